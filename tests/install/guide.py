# SPDX-License-Identifier: MIT
"""The commands that stand in INSTALL: the tests run those, so that what people are told is what works."""
import functools
import re

from machine import HERE, ROOT


@functools.lru_cache(maxsize=None)
def section(title):
    found = re.search(rf"^{re.escape(title)}\n-+\n(.*?)(?=^[^\n]+\n-{{5,}}\n|\Z)", (ROOT / "INSTALL").read_text(), re.M | re.S)
    assert found, f"INSTALL has no section {title}"
    return found[1]


def blocks(title):
    """The blocks of commands of a section of INSTALL: what is indented by four blanks."""
    made = re.findall(r"(?:^    \S[^\n]*\n(?:^ {5,}[^\n]*\n)*)+", section(title), re.M)
    assert made, f"INSTALL's section {title} has no commands"
    return ["".join(line[4:] + "\n" for line in block.splitlines()) for block in made]


def text(title):
    """What is to stand in a file: the lines of a section that are indented by two blanks."""
    return "".join(line[2:] + "\n" for line in re.findall(r"^  \S.*", section(title), re.M))


def do(machine, title, number=0, user=None, change=lambda text: text):
    """Runs one block in a machine, from the source's folder as it is seen there."""
    return machine.run(f"cd {HERE}\n" + change(blocks(title)[number]), user=user)
