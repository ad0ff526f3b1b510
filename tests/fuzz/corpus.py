# SPDX-License-Identifier: MIT
"""The inputs that are kept, between a file for us (an input a line, percent-encoded, # begins a comment) and a folder for libFuzzer.

corpus.py unpack FILE FOLDER     a file in FOLDER for each line
corpus.py add FILE FOLDER [MAX]  appends what FOLDER has and FILE has not, the smallest first; none above MAX bytes
"""
import hashlib
import pathlib
import re
import sys
import urllib.parse


def inputs(path):
    lines = path.read_bytes().split(b"\n") if path.is_file() else []
    return [urllib.parse.unquote_to_bytes(line) for line in lines[:-1] if not line.startswith(b"#")]


def line(data):
    text = re.sub(rb"[^ -$&-~]", lambda m: b"%%%02X" % m[0][0], data)
    return (b"%23" + text[1:] if text.startswith(b"#") else text) + b"\n"


def unpack(path, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for data in inputs(path):
        (folder / hashlib.sha256(data).hexdigest()[:32]).write_bytes(data)


def add(path, folder, most=4096):
    known = set(inputs(path))
    found = sorted({f.read_bytes() for f in folder.iterdir()} - known, key=lambda data: (len(data), data))
    with path.open("ab") as out:
        out.writelines(line(data) for data in found if len(data) <= int(most))


if __name__ == "__main__":
    do = {"unpack": unpack, "add": add}[sys.argv[1]]
    do(*(pathlib.Path(arg) for arg in sys.argv[2:4]), *sys.argv[4:])
