#!/usr/bin/env python3
"""lint_plan.py [ROOT]: do src/, kore_front/ and commands/ keep to the plan of the house?

- An include of src/ goes down, or stays in its room: FLOORS, the lowest first.
- A folder inside a room is a program of its own, which shares src/plain at most.
- kore_front/ is one folder; its rooms are lists of files, which name the rooms
  that they may include: FRONT. So do the commands, who share some of its files.
- No circle of files. A .c and its header are one file.
- What a .c gives to others is declared in the header of its name, and a header
  declares nothing else. Without a header is who gives nothing: functions that
  SQL or Kore calls, or a starting point (main, _PG_init, a background worker's).
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
# room: its files, and the rooms that it may include beside itself. The database's side knows no HTTP.
FRONT = {
    "base": ("bytes db_session elapsed fair_queue kore_release log output utf8", ""),
    "request": ("access_log chunked mask peer request route", "base"),
    "config": ("config config_files settings tree", "base"),
    "metrics": ("metrics", "base request"),
    "database": ("dbconn job lane lane_limits lane_state lanes line", "base config metrics"),
    "http": ("call cors listen response", "base request config database"),
    "clients": ("client client_answer client_read client_state peer_count slow",
                "base request config metrics database http"),
    "process": ("configure main metrics_server sandbox supervise",
                "base request config metrics database http clients"),
}
FRONT_ROOM = {file: room for room, (files, _) in FRONT.items() for file in files.split()}
COMMANDS_INCLUDE = ("base", "config")
# The commands have no log: theirs prints a line.
STAND_INS = {("commands/command", "front_log")}
KORE_CALLS = {"kore_parent_configure", "kore_worker_configure", "kore_worker_teardown", "kore_seccomp_hook"}
ONLY = {
    "PG_VERSION_NUM": "src/base/compat.h",
    "CacheRegisterRelcacheCallback": "src/base/table_watch.c",
    "client_connection_check_interval": "kore_front/db_session.c",
}
VARLENA = re.compile(r"\b(VARDATA|VARSIZE|SET_VARSIZE|VARATT)\w*\b")
# A function's type stands on a line of its own; a continued declaration may end lines later.
FUNCTION = re.compile(r"^([A-Za-z_][\w *]*)\n(\w+)\(", re.MULTILINE)
PROTOTYPE = re.compile(r"^(?:pg_noreturn )?extern [\w \t*]*?\b(\w+)\([^;{]*\)[^;{]*;", re.MULTILINE)
START = re.compile(r"^(?:PG_FUNCTION_INFO_V1\(|PGDLLEXPORT void )(\w+)", re.MULTILINE)
INCLUDE = re.compile(r'^#include "(\w+)/(\w+)\.h"', re.MULTILINE)
BESIDE = re.compile(r'^#include "(\w+)\.h"', re.MULTILINE)
OF_FRONT = re.compile(r'^#include "\.\./kore_front/(\w+)\.h"', re.MULTILINE)


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


def sources(root, *folders):
    """C files of folders, in order."""
    return [file for folder in folders for file in sorted(root.glob(f"{folder}/*.[ch]"))]


def flat(root, folder):
    """Who includes whom in a folder without rooms, as a graph for circles()."""
    graph = {}
    for file in sources(root, folder):
        includes = BESIDE.findall(file.read_text(encoding="utf-8"))
        graph.setdefault(f"{folder}/{file.stem}", set()).update(f"{folder}/{name}" for name in includes)
    return graph


def front(root):
    """Files of the front without a room, and includes of it that its rooms and the commands may not have."""
    for file in sources(root, "kore_front"):
        path = file.relative_to(root)
        if file.stem not in FRONT_ROOM:
            yield f"{path}: it is in no room of lint_plan.py's FRONT"
            continue
        room = FRONT_ROOM[file.stem]
        text = file.read_text(encoding="utf-8")
        yield from words(path, text)
        for name in BESIDE.findall(text):
            if FRONT_ROOM.get(name, room) not in (room, *FRONT[room][1].split()):
                yield f"{path}: {name}.h is in the room {FRONT_ROOM[name]}, which is not below {room}"
    for file in sources(root, "commands"):
        for name in OF_FRONT.findall(file.read_text(encoding="utf-8")):
            if FRONT_ROOM.get(name) not in COMMANDS_INCLUDE:
                yield f"{file.relative_to(root)}: {name}.h of kore_front/ is not for the commands"


def headers(root):
    """Functions that are not declared in the header of their file."""
    given, declared = {}, {}
    for file in sources(root, "src/**", "kore_front", "commands"):
        text = file.read_text(encoding="utf-8")
        name = file.relative_to(root).with_suffix("")
        if file.suffix == ".h":
            declared[name] = set(PROTOTYPE.findall(text))
            continue
        started = set(START.findall(text)) | KORE_CALLS | {"main", "_PG_init"}
        given[name] = {function for kind, function in FUNCTION.findall(text)
                       if "static" not in kind.split() and function not in started}
    for name, functions in given.items():
        for function in sorted(functions - declared.get(name, set())):
            if (str(name), function) in STAND_INS:
                continue
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
    files = sources(root, "src/*")
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
    programs = sources(root, "src/*/*")
    for file in programs:
        includes = [found for found in INCLUDE.findall(file.read_text(encoding="utf-8")) if found[0] in FLOOR]
        problems += sharing(file.relative_to(root), includes)
    problems += front(root)
    problems += headers(root)
    for folder in ["kore_front", "commands", *sorted({str(file.parent.relative_to(root)) for file in programs})]:
        problems += circles(flat(root, folder))
    problems += circles(graph)
    files += programs + sources(root, "kore_front", "commands")
    print("\n".join(problems) if problems else f"{len(files)} files keep to the plan")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
