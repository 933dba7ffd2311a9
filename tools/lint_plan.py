#!/usr/bin/env python3
"""lint_plan.py [ROOT]: does src/ keep to the plan of the house?

- An include goes down, or stays in its room: FLOORS, the lowest first.
- A folder inside a room is a program of its own, which shares src/plain at most.
- No circle of files. A .c and its header are one file.
- Some words stand in one place only: ONLY.
- Who unpacks variable-length values includes base/compat.h, which has the
  header for them that newer servers ask for.

Prints what is wrong, a line each, and ends with 1.

SPDX-License-Identifier: GPL-3.0-or-later
"""
import pathlib
import re
import sys

FLOORS = [["plain"], ["base"], ["acl", "crypto"], ["sessions", "validate"], ["ldap", "saml", "oauth2"], ["http"], ["workers"],
          ["relay"]]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
ONLY = {
    "PG_VERSION_NUM": "src/base/compat.h",
    "CacheRegisterRelcacheCallback": "src/base/table_watch.c",
}
VARLENA = re.compile(r"\b(VARDATA|VARSIZE|SET_VARSIZE|VARATT)\w*\b")
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
    problems += circles(graph)
    print("\n".join(problems) if problems else f"{len(files)} files keep to the plan")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
