# SPDX-License-Identifier: MIT
"""What the documents say is so: every configuration key, reason and command is explained, the code map names each file, no path of a machine."""
import re
import subprocess

import tree

ROOMS = ("common", "fcgi", "cron")
MANUAL, SAMPLE = "common/anteroom.yaml.5", "nginx/anteroom.yaml"
REASONS, COMMANDS = "cron/anteroom-dispatch.8", "cron/anteroom.8"
PROGRAM = "build/anteroom-dispatch"
# Where people keep what is their own; and the folder that this tree is in.
OWN = ("home", "Users", "root")


def configuration(root):
    """Every key of the program's own table stands in the manual page and in the sample, and no other in the manual."""
    printed = subprocess.run([root / PROGRAM, "--config-keys"], capture_output=True, text=True, check=True).stdout
    # The last word of a key is what stands in a file: callback.timeout, queues.<type>.capacity.
    keys = {line.split("\t")[0] for line in printed.splitlines() if line}
    words = {word for word in (key.rpartition(".")[2] for key in keys) if "<" not in word}
    if not keys:
        yield f"{PROGRAM} --config-keys prints nothing"
    manual, sample = tree.text(root, MANUAL), tree.text(root, SAMPLE)
    explained = set(re.findall(r"^\.It (?:Cm|Ic|Va|Li) ([\w.<>]+)", manual, re.M))
    for word in sorted(words):
        if not any(e.rpartition(".")[2] == word for e in explained):
            yield f"{MANUAL}: the key {word} is not explained"
        if not re.search(rf"^[\s#]*{re.escape(word)}:|[{{,]\s*{re.escape(word)}:", sample, re.M):
            yield f"{SAMPLE}: the key {word} does not appear"
    for e in sorted(explained):
        if "<" not in e and e.rpartition(".")[2] not in words:
            yield f"{MANUAL}: there is no key {e}"


def explained_items(root, manual):
    return set(re.findall(r"^\.It (?:Cm|Li) (\w+(?: (?:add|list|revoke)\b)?)", tree.text(root, manual), re.M))


def words(root):
    """Every reason of job.h, and every command of `anteroom --help`, is explained in its manual, and no command besides."""
    reasons = set(re.findall(r'^#define JOB_REASON_\w+ +"(\w+)"', tree.text(root, "common/job.h"), re.M))
    help = subprocess.run([root / "build/anteroom", "--help"], capture_output=True, text=True, check=True).stdout
    commands = set(re.findall(r"^  (\w+(?: \w+)?)  +\S", help, re.M))
    for manual, wanted in ((REASONS, reasons), (COMMANDS, commands)):
        if not wanted:
            yield f"{manual}: nothing is to be explained, as it seems"
        yield from (f"{manual}: {word} is not explained" for word in sorted(wanted - explained_items(root, manual)))
    yield from (f"{COMMANDS}: there is no command {word}" for word in sorted(explained_items(root, COMMANDS) - commands))


def code_map(root):
    """README's map: one line "name  what it is" for each .c (its .h goes with it) and for each .h that stands alone."""
    readme = tree.text(root, "README.md")
    mapped = re.findall(r"^((?:common|fcgi|cron)/\w+(?:\.\w+)*)  +\S", readme, re.M)
    sources = {str(p) for p in tree.files(root, ".c", ".h") if p.parts[0] in ROOMS}
    wanted = {p for p in sources if p.endswith(".c") or p[:-2] + ".c" not in sources}
    yield from (f"README.md: the map does not have {p}" for p in sorted(wanted - set(mapped)))
    for p in sorted(set(mapped) - wanted):
        if not (root / p).exists():
            yield f"README.md: the map has {p}, which does not exist"
    yield from (f"README.md: the map has {p} twice" for p in sorted({p for p in mapped if mapped.count(p) > 1}))


def machine_paths(root):
    machine = re.compile(rf"/({'|'.join(OWN)})/[\w.-]+|{re.escape(str(root))}\b")
    for path in tree.files(root):
        for number, line in enumerate(tree.text(root, path).split("\n"), 1):
            if found := machine.search(line):
                yield f"{path}:{number}: a path of one machine: {found[0]}"


if __name__ == "__main__":
    tree.main(configuration, words, code_map, machine_paths)
