#!/usr/bin/env python3
"""lint_plan.py [ROOT]: does src/ keep to the plan of the house?

- An include goes down, or stays in its room: FLOORS, the lowest first.
- A folder inside a room is a program of its own, which shares src/plain at most.
- No circle of files. A .c and its header are one file.
- What a .c gives to others is declared in the header of its name, and a header
  declares nothing else. Without a header is who gives nothing: functions that
  SQL calls, or a starting point (main, _PG_init, a background worker's).
- Some words stand in one place only: ONLY.
- Who unpacks variable-length values includes base/compat.h, which has the
  header for them that newer servers ask for.

Prints what is wrong, a line each, and ends with 1.

SPDX-License-Identifier: GPL-3.0-or-later
"""
import pathlib
import re
import sys

FLOORS = [["plain"], ["base"], ["acl", "crypto"], ["sessions", "validate"], ["ldap", "saml", "oauth2"],
          ["http"], ["workers"],
          ["relay"]]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
ONLY = {
    "PG_VERSION_NUM": "src/base/compat.h",
    "CacheRegisterRelcacheCallback": "src/base/table_watch.c",
}
VARLENA = re.compile(r"\b(VARDATA|VARSIZE|SET_VARSIZE|VARATT)\w*\b")
# A function's type stands on a line of its own; a continued declaration may end lines later.
FUNCTION = re.compile(r"^([A-Za-z_][\w *]*)\n(\w+)\(", re.MULTILINE)
PROTOTYPE = re.compile(r"^(?:pg_noreturn )?extern [\w \t*]*?\b(\w+)\([^;{]*\)[^;{]*;", re.MULTILINE)
START = re.compile(r"^(?:PG_FUNCTION_INFO_V1\(|PGDLLEXPORT void )(\w+)", re.MULTILINE)
INCLUDE = re.compile(r'^#include "(\w+)/(\w+)\.h"', re.MULTILINE)


def climbs(path, room, includes):
    """Includes of a room that is not below."""
    for other, name in includes:
        if other != room and FLOOR[other] >= FLOOR[room]:
            yield f"{path}: {other}/{name}.h is not below {room}"


def sharing(path, includes):
    """Includes of a program of its own that are of the extension."""
    for other, name in includes:
        if other != "plain":
            yield f"{path}: {other}/{name}.h is the extension's"


def circles(graph):
    """Circles of a graph (file to files), each once: what is left when nothing more can be taken away."""
    left = {file: set(others) - {file} for file, others in graph.items()}
    while True:
        named = set().union(*left.values()) if left else set()
        ends = {file for file, others in left.items() if not others & left.keys() or file not in named}
        if not ends:
            break
        left = {file: others - ends for file, others in left.items() if file not in ends}
    if left:
        yield "circle of files: " + ", ".join(sorted(left))


def headers(root):
    """Functions that are not declared in the header of their file."""
    given, declared = {}, {}
    for file in sorted(root.glob("src/**/*.[ch]")):
        text = file.read_text(encoding="utf-8")
        name = file.relative_to(root).with_suffix("")
        if file.suffix == ".h":
            declared[name] = set(PROTOTYPE.findall(text))
            continue
        started = set(START.findall(text)) | {"main", "_PG_init"}
        given[name] = {function for kind, function in FUNCTION.findall(text)
                       if "static" not in kind.split() and function not in started}
    for name, functions in given.items():
        for function in sorted(functions - declared.get(name, set())):
            yield f"{name}.c: {function}() is not declared in a header of that name"
    for name, functions in declared.items():
        for function in sorted(functions - given.get(name, set())):
            yield f"{name}.h: {function}() is not defined in the file of that name"


def words(path, text):
    """Words in the wrong place."""
    for word, place in ONLY.items():
        if str(path) != place and re.search(rf"\b{word}\b", text):
            yield f"{path}: {word} belongs into {place}"
    has_header = '"base/compat.h"' in text or path.name == "compat.h" or path.parts[1] == "plain"
    if VARLENA.search(text) and not has_header:
        yield f"{path}: VARDATA() and its kind take base/compat.h"


def main(root):
    problems = []
    graph = {}
    files = sorted(root.glob("src/*/*.[ch]"))
    for file in files:
        path = file.relative_to(root)
        room = path.parts[1]
        text = file.read_text(encoding="utf-8")
        if room not in FLOOR:
            problems.append(f"{path}: the room {room} has no floor in lint_plan.py")
            continue
        includes = [(other, name) for other, name in INCLUDE.findall(text) if other in FLOOR]
        problems += climbs(path, room, includes)
        problems += words(path, text)
        graph.setdefault(f"{room}/{file.stem}", set()).update(f"{other}/{name}" for other, name in includes)
    for file in sorted(root.glob("src/*/*/*.[ch]")):
        includes = [found for found in INCLUDE.findall(file.read_text(encoding="utf-8")) if found[0] in FLOOR]
        problems += sharing(file.relative_to(root), includes)
    problems += headers(root)
    problems += circles(graph)
    print("\n".join(problems) if problems else f"{len(files)} files keep to the plan")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
