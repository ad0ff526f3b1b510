# SPDX-License-Identifier: MIT
"""The files of the tree, for the rules beside this file. Each rule yields "path:line: what is wrong"."""
import pathlib
import subprocess
import sys


def files(root, *suffixes):
    """Paths of what belongs to the tree (tracked, or new and not ignored), relative to root, sorted."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root,
                            capture_output=True, check=True, text=True).stdout.split("\0")
    paths = sorted(pathlib.PurePosixPath(name) for name in listed if name and (root / name).is_file())
    return [p for p in paths if not suffixes or p.suffix in suffixes]


def text(root, path):
    return (root / path).read_text(errors="replace")


def main(*rules):
    """Runs the rules on the tree named by the argument, this one without; exit code 1 when one is broken."""
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__ + "/../../..").resolve()
    faults = [fault for rule in rules for fault in rule(root)]
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)
