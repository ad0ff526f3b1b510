# SPDX-License-Identifier: MIT
"""How long things may be, and how every file begins. Functions: 60 lines between the braces; files: 500 lines."""
import re

import tree

FUNCTION_MAX, FILE_MAX = 60, 500
CODE = (".c", ".h", ".py", ".sh", ".sql")
EXCEPTIONS = "tests/lint/long_functions.txt"


def functions(body):
    """(name, line, length) of every function of C text that clang-format has laid out: its braces stand in column one."""
    lines = body.split("\n")
    for i, line in enumerate(lines):
        if line != "{":
            continue
        end = next((j for j in range(i + 1, len(lines)) if lines[j].startswith("}")), len(lines))
        head, j = "", i - 1
        while j >= 0 and lines[j] and not lines[j].startswith(("}", "#", "/", " */")):
            head = lines[j] + " " + head
            j -= 1
        name = re.search(r"(\w+)\s*\(", head)
        yield (name[1] if name else "?"), i + 1, end - i - 1


def exceptions(root):
    """path:function -> reason, from the lines "path:function  reason" of the list."""
    found = {}
    if (root / EXCEPTIONS).is_file():
        for line in tree.text(root, EXCEPTIONS).splitlines():
            if line.strip() and not line.startswith("#"):
                key, _, reason = line.partition(" ")
                found[key] = reason.strip()
    return found


def function_length(root):
    excepted = exceptions(root)
    yield from (f"{EXCEPTIONS}: {key} has no reason" for key, reason in excepted.items() if not reason)
    used = set()
    for path in tree.files(root, ".c", ".h"):
        for name, line, length in functions(tree.text(root, path)):
            if length <= FUNCTION_MAX:
                continue
            key = f"{path}:{name}"
            used.add(key)
            if key not in excepted:
                yield f"{path}:{line}: {name} has {length} lines, {FUNCTION_MAX} are allowed"
    yield from (f"{EXCEPTIONS}: {key} excepts nothing" for key in excepted if key not in used)


def file_length(root):
    for path in tree.files(root, *CODE):
        length = tree.text(root, path).count("\n")
        if length > FILE_MAX:
            yield f"{path}:{length}: the file has {length} lines, {FILE_MAX} are allowed"


def licence(root):
    for path in tree.files(root, *CODE):
        first = tree.text(root, path).split("\n", 2)[:2]
        line = first[1] if first[0].startswith("#!") and len(first) > 1 else first[0]
        want = {".c": "/* {} */", ".h": "/* {} */", ".sql": "-- {}"}.get(path.suffix, "# {}").format("SPDX-License-Identifier: MIT")
        if line != want:
            yield f"{path}:1: the first line is not: {want}"


def opening(root):
    """Each .c of ours says in its first comment what it is for."""
    for path in tree.files(root, ".c"):
        if not re.match(r"/\* SPDX[^\n]*\n/\*", tree.text(root, path)):
            yield f"{path}:2: the second line does not begin the comment that says what the file is for"


if __name__ == "__main__":
    tree.main(function_length, file_length, licence, opening)
