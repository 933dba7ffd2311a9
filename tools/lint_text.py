#!/usr/bin/env python3
"""lint_text.py [ROOT]: do the files keep to .editorconfig?

Reads its sections as editors do: later ones win, `unset` ends a rule. Checks
line ends, trailing blanks, the final newline, what lines begin with, and their
length, by characters. In C a line may be longer for a text that stays in one
piece.

Prints what is wrong, a line each, and ends with 1.

SPDX-License-Identifier: GPL-3.0-or-later
"""
import pathlib
import re
import sys

FOLDERS = (".ci", "commands", "debian", "docs", "expected", "kore_front", "migrations", "sql", "src", "test", "tools")
MADE = {".o", ".d", ".so", ".bc", ".pyc"}
LONG_TEXT = re.compile(r'"(?:[^"\\]|\\.){60,}"')


def pattern(glob):
    """A glob of .editorconfig as a regular expression: * in a name, ** across folders, {a,b}."""
    parts = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|"}
    body = "".join(parts.get(part, re.escape(part)) for part in re.findall(r"\*\*|.", glob))
    return re.compile(body if "/" in glob else rf"(?:.*/)?{body}")


def sections(text):
    """Pairs of a pattern and its properties."""
    found = []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            found.append((pattern(line[1:-1]), {}))
        elif "=" in line and not line.startswith("#") and found:
            name, value = (part.strip() for part in line.split("=", 1))
            found[-1][1][name] = value
    return found


def rules_of(path, config):
    """Properties that hold for a file."""
    rules = {}
    for matcher, properties in config:
        if matcher.fullmatch(path):
            rules.update(properties)
    return {name: value for name, value in rules.items() if value != "unset"}


def line_problems(line, rules, is_c):
    """What is wrong with a line."""
    if rules.get("trim_trailing_whitespace") == "true" and line != line.rstrip():
        yield "trailing blanks"
    if rules.get("indent_style") == "space" and re.match(r" *\t", line):
        yield "indented by a tab"
    if rules.get("indent_style") == "tab" and re.match(r"\t* {4}", line):
        yield "indented by blanks"
    length = len(line.expandtabs(int(rules.get("tab_width", 8))))
    if length > int(rules.get("max_line_length", length)) and not (is_c and LONG_TEXT.search(line)):
        yield f"{length} columns"


def problems(path, data, rules):
    """What is wrong with a file."""
    if not rules or not data:
        return
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        yield f"{path}: not UTF-8"
        return
    if rules.get("end_of_line") == "lf" and "\r" in text:
        yield f"{path}: carriage return"
    if rules.get("insert_final_newline") == "true" and not re.search(r"(?<!\n)\n\Z", text):
        yield f"{path}: does not end with one newline"
    for number, line in enumerate(text.split("\n"), 1):
        for problem in line_problems(line, rules, path.endswith((".c", ".h"))):
            yield f"{path}:{number}: {problem}"


def sources(root):
    """Paths of the project's files, without what a build leaves."""
    yield from (file.name for file in root.iterdir() if file.is_file() and file.suffix not in MADE)
    for folder in FOLDERS:
        for file in (root / folder).rglob("*"):
            if file.is_file() and file.suffix not in MADE:
                yield file.relative_to(root).as_posix()


def main(root):
    config = sections((root / ".editorconfig").read_text(encoding="utf-8"))
    paths = sorted(sources(root))
    found = [problem for path in paths
             for problem in problems(path, (root / path).read_bytes(), rules_of(path, config))]
    print("\n".join(found) if found else f"{len(paths)} files keep to .editorconfig")
    return 1 if found or not paths else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
