# SPDX-License-Identifier: MIT
"""What the tests reach, of gcovr's JSON: a table by room and by file, and why the rest is not reached. cover.py UNITS [ALL]

UNITS is what the unit tests alone reach: by it the pure files are held to all of their lines and branches. ALL is what all tests
together reach: by it each line that nobody reached is given the first reason of tests/cover.ini that fits. Exit code 1: a pure file
is not whole, a line that is not reached has no reason, or tests/cover.ini names what is not there.
"""
import collections
import configparser
import fnmatch
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
ROOMS = ("common", "fcgi", "cron")
SHORT = 4  # lines of a block that a pattern may explain: of a longer one somebody must have thought, and named its function


class Source:
    """A file, and what was reached of it."""

    def __init__(self, measured):
        self.path = measured["file"]
        self.text = (ROOT / self.path).read_text().split("\n")
        lines = [line for line in measured["lines"] if not (line.get("gcovr/noncode") or line.get("gcovr/excluded"))]
        self.lines = {line["line_number"]: line["count"] for line in lines}
        self.branches = {line["line_number"]: [branch["count"] for branch in line["branches"]] for line in lines}
        self.functions = sorted((f["lineno"], f["name"]) for f in measured["functions"])

    def counts(self):
        """(lines, of them reached, branches, of them taken)"""
        branches = [count for of_line in self.branches.values() for count in of_line]
        return (len(self.lines), sum(count > 0 for count in self.lines.values()), len(branches), sum(count > 0 for count in branches))

    def is_whole(self):
        lines, reached, branches, taken = self.counts()
        return lines == reached and branches == taken

    def missing(self):
        """[(line number, "not reached" or "3 of 4 branches")]"""
        for number, count in sorted(self.lines.items()):
            taken = sum(c > 0 for c in self.branches[number])
            if count == 0:
                yield number, "not reached"
            elif taken < len(self.branches[number]):
                yield number, f"{taken} of {len(self.branches[number])} branches"

    def function_at(self, number):
        names = [name for first, name in self.functions if first <= number]
        return names[-1] if names else ""

    def whole(self, number):
        """The line as "file.c:name: text"."""
        return f"{self.path}:{self.function_at(number)}: {self.text[number - 1].strip()}"

    def before(self, number):
        """The line of code before this one."""
        return max((n for n in self.lines if n < number), default=number)

    def blocks(self):
        """The runs of lines that were not reached, each within one function, as lists of line numbers."""
        block = []
        for number, count in sorted(self.lines.items()):
            if block and (count > 0 or self.function_at(number) != self.function_at(block[0])):
                yield block
                block = []
            if count == 0:
                block.append(number)
        if block:
            yield block


class Reason:
    """Why blocks of lines are not reached: those of the `functions` (file.c:name), and the short ones of which a line matches one of
    `lines`, or of which the line before, as "file.c:name: text", matches one of `after`."""

    def __init__(self, name, section):
        self.name = name
        self.text = " ".join(section["text"].split())
        self.lines, self.after = ([re.compile(word) for word in section.get(key, "").split("\n") if word] for key in ("lines", "after"))
        self.functions = set(section.get("functions", "").split())
        self.used = collections.Counter()

    def _fit(self, source, block):
        """The word by which it fits."""
        name = f"{source.path}:{source.function_at(block[0])}"
        if name in self.functions:
            return name
        if len(block) > SHORT:
            return None
        texts = [source.text[number - 1] for number in block]
        before = [source.whole(number) for number in (source.before(block[0]), block[0] - 1)]
        return next((p.pattern for p in self.lines if any(map(p.search, texts))),
                    next((p.pattern for p in self.after if any(map(p.search, before))), None))

    def fits(self, source, block):
        word = self._fit(source, block)
        if word:
            self.used[word] += len(block)
        return word is not None

    def unused(self, sources):
        """[(word, whether there is anything that it could fit)]: what chance decides is reached in one run and not in another."""
        lines = [(s.text[n - 1], s.whole(n)) for s in sources for n in s.lines]
        there = self.functions & {f"{s.path}:{name}" for s in sources for _, name in s.functions}
        there |= {p.pattern for p in self.lines if any(p.search(text) for text, _ in lines)}
        there |= {p.pattern for p in self.after if any(p.search(whole) for _, whole in lines)}
        words = self.functions | {p.pattern for p in self.lines + self.after}
        return [(word, word in there) for word in sorted(words - set(self.used))]


def read(path):
    return [Source(f) for f in json.loads(pathlib.Path(path).read_text())["files"]]


def percent(part, whole):
    return f"{100 * part / whole:6.1f}" if whole and part < whole else "   100"


def row(name, counts, mark=""):
    lines, reached, branches, taken = counts
    return f"{name:40}{reached:7}/{lines:<6}{percent(reached, lines)} %{taken:8}/{branches:<6}{percent(taken, branches)} %  {mark}".rstrip()


def table(sources, pure):
    print(f"{'':40}{'lines':>14}{'branches':>24}")
    for room in ROOMS:
        files = [s for s in sources if s.path.startswith(room + "/")]
        for s in files:
            print(row(s.path, s.counts(), "pure" if s.path in pure else ""))
        print(row(room + "/", [sum(column) for column in zip(*(s.counts() for s in files))]) + "\n")
    print(row("all", [sum(column) for column in zip(*(s.counts() for s in sources))]) + "\n")


def judge_pure(sources, globs):
    """(the paths of the pure rooms, what is wrong with them)"""
    pure, faults = set(), []
    for glob in globs:
        found = [s for s in sources if fnmatch.fnmatch(s.path, glob)]
        if not found:
            faults.append(f"tests/cover.ini: no file is {glob}")
        for s in found:
            pure.add(s.path)
            faults += [f"{s.path}:{n}: {what}: {s.text[n - 1].strip()}" for n, what in s.missing()]
    return pure, faults


def explain(sources, pure, reasons):
    """Prints what is not reached by reason, then what no reason fits: how many blocks."""
    count, open_lines = collections.Counter(), []
    for s in sources:
        for block in s.blocks() if s.path not in pure else ():
            reason = next((r for r in reasons if r.fits(s, block)), None)
            count[reason] += len(block)
            if not reason:
                open_lines.append(f"  {s.path}:{block[0]} ({s.function_at(block[0])}): {s.text[block[0] - 1].strip()}")
    for reason in reasons:
        print(f"{count[reason]:5} lines not reached: {reason.text}")
    print(f"{count[None]:5} lines not reached, of which nothing is said" + (":" if open_lines else ""))
    for line in open_lines:
        print(line)
    return len(open_lines)


def main(units, everything=None):
    config = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    config.read(ROOT / "tests/cover.ini")
    pure, faults = judge_pure(read(units), config["pure"]["files"].split())
    table(read(everything or units), pure)
    if everything:
        reasons = [Reason(name, config[name]) for name in config.sections() if name != "pure"]
        sources = read(everything)
        unsaid = explain(sources, pure, reasons)
        if unsaid:
            faults.append(f"{unsaid} blocks of lines are reached by no test and have no reason in tests/cover.ini: they are named above")
        for reason in reasons:
            for word, there in reason.unused(sources):
                if there:
                    print(f"tests/cover.ini: [{reason.name}] was not needed this time: {word}")
                else:
                    faults.append(f"tests/cover.ini: [{reason.name}] names what is not there: {word}")
    for fault in faults:
        print(fault)
    good = "all of their lines and branches reached" + (", and a reason for each line of the others that is not" if everything else "")
    print(f"cover: {len(pure)} pure files, {'FAILED' if faults else good}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
