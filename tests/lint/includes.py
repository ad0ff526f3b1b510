# SPDX-License-Identifier: MIT
"""Who may include what: the layers of our own headers, and one file for each outside library."""
import re

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)

# A room, and the rooms whose headers its files may include.
LAYERS = {"common": {"common"}, "fcgi": {"common", "fcgi"}, "cron": {"common", "cron"}}

# An outside header (as a pattern), and the files (as a pattern) that may include it. Tests may include anything.
OUTSIDE = [
    (r"sqlite3.*\.h", r"common/(db|db_look|db_turn|db_value|db_version|db_sum_(vfs|lock|log|mark|scan)|migrate|store\w*)\.c|common/db_sum_inner\.h"),
    (r"fcgi.*\.h|fastcgi\.h", r"fcgi/fcgx\.c"),
    (r"curl/.*", r"common/(httpc\w*|url)\.c|common/httpc_inner\.h"),
    (r"yaml\.h", r"common/yaml_in\.c"),
    (r"json(-c)?/.*|json\.h", r"common/json_in\.c"),
    (r"openssl/.*", r"common/digest\.c"),
]


def includes(root, path):
    body = tree.text(root, path)
    for match in INCLUDE.finditer(body):
        yield body.count("\n", 0, match.start()) + 1, match[1] == "<", match[2]


def room_of(root, path, name):
    """The room in which "name", included by path, is found: beside it first, then common (the only -I)."""
    if "/" in name:
        return name.split("/")[0]
    for room in (path.parts[0], "common"):
        if (root / room / name).is_file():
            return room
    return None


def layers(root):
    for path in tree.files(root, ".c", ".h"):
        allowed = LAYERS.get(path.parts[0])
        if allowed is None:
            continue
        for line, outside, name in includes(root, path):
            if outside:
                continue
            room = room_of(root, path, name)
            if room is None:
                yield f"{path}:{line}: there is no header {name} beside it or in common/"
            elif room not in allowed:
                yield f"{path}:{line}: {path.parts[0]}/ may not include {name} of {room}/"


def outside_headers(root):
    for path in tree.files(root, ".c", ".h"):
        if path.parts[0] not in LAYERS:
            continue
        for line, outside, name in includes(root, path):
            for header, where in OUTSIDE:
                if outside and re.fullmatch(header, name) and not re.fullmatch(where, str(path)):
                    yield f"{path}:{line}: <{name}> may only be included by {where}"


if __name__ == "__main__":
    tree.main(layers, outside_headers)
