#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/bench/RESULTS.md and tests/bench/plots/*.svg of what the benchmarks left in build/bench/*.json. Everything in them is
made here: results.md.in has the words, the files have the figures."""
import json
import os
import pathlib
import platform
import re
import shutil
import sqlite3
import string
import subprocess
import tempfile

import kit

OUT = kit.HERE / "RESULTS.md"
PLOTS = kit.HERE / "plots"
FIRST = ("posts", "gets", "lists")  # then the others, by name
# White ground, so that the dark words on it can be read on a dark page too.
HEAD = "set terminal svg size {width},{height} dynamic font 'sans-serif,13' background '#ffffff'\nset output '{path}'\n" \
       "set border lc rgb '#444444'\nset grid lc rgb '#dddddd'\nset encoding utf8\n"
REACH = 20  # of the overview
COLOURS = ("#0b6bcb", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#0e7490", "#be185d", "#444444")


def said_by(argv):
    """The first line of what a program says; empty where it is not there."""
    path = shutil.which(argv[0], path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not path:
        return ""
    done = subprocess.run([path, *argv[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.strip().split("\n")[0]


def first(pattern, path):
    found = re.search(pattern, pathlib.Path(path).read_text(), re.M)
    return found.group(1) if found else "unknown"


def machine():
    memory = int(first(r"^MemTotal:\s+(\d+)", "/proc/meminfo"))
    nginx = said_by(["nginx", "-v"]).rpartition("/")[2]
    return {
        "cpu": first(r"^model name\s*: (.*)$", "/proc/cpuinfo"), "cores": os.cpu_count(), "kernel": platform.release(),
        "memory": f"{memory / 1048576:.1f}",
        "files": said_by(["findmnt", "-n", "-o", "FSTYPE", "-T", tempfile.gettempdir()]) or "unknown",
        "system": first(r'^PRETTY_NAME="?([^"\n]*)', "/etc/os-release"), "nginx": nginx or "none",
        "sqlite": sqlite3.sqlite_version, "gcc": said_by(["gcc", "-dumpfullversion"]), "wrk": said_by(["wrk", "-v"]).split(" [")[0],
    }


# ---- words --------------------------------------------------------------------------------------------------------------------


def number(v):
    return f"{v:,.0f}" if abs(v) >= 100 else f"{v:.1f}" if abs(v) >= 10 else f"{v:.2f}"


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def row_of(r):
    held = f"{r['ratio']:.2f} × {r['of']}" if r["ratio"] is not None else f"{number(r['value'])} {r['unit']}"
    aim = f"{r['aim'][0]} {r['aim'][1]:,g}" if r["aim"] else ""
    met = {True: "yes", False: "**no**", None: ""}[r["met"]]
    return f"| {cell(r['what'])} | {cell(held)} | {aim} | {met} | {number(r['value'])} {cell(r['unit'])} | {cell(r['note'])} |"


def table_of_points(curve):
    """A row for each x, a column for each series."""
    names = [name for name, line in curve["series"].items() if line]
    at = {name: dict(map(tuple, line)) for name, line in curve["series"].items()}
    xs = sorted({x for line in at.values() for x in line})
    lines = ["| " + " | ".join([cell(curve["x"]), *(cell(f"{name}, {curve['y']}" if name else curve["y"]) for name in names)]) + " |",
             "|--:" * (len(names) + 1) + "|"]
    for x in xs:
        lines.append("| " + " | ".join([f"{x:,.0f}" if x >= 1 else f"{x:g}", *(number(at[n][x]) if x in at[n] else "" for n in names)]) + " |")
    return lines


def section(part):
    when = f"{part.get('at', 'unknown')}, commit {part.get('commit', 'unknown')}, medians of {part['rounds']} turns, " \
           f"{part['seconds']:g} s each; load of the machine before it began: {part.get('load', float('nan')):.1f}"
    versions = "; beside " + ", ".join(f"{name} {version}" for name, version in part["versions"].items()) if part.get("versions") else ""
    lines = [f"## {part['title']}", "", when + versions + ".", ""]
    if part["rows"]:
        lines += ["| work | ratio, or value | aim | met | median | note |", "|---|---|--:|---|--:|---|", *map(row_of, part["rows"]), ""]
    lines += [f"- {note}" for note in part.get("notes", [])] + [""] * bool(part.get("notes"))
    if part.get("versions"):
        lines += ["With " + ", ".join(f"{name} {version}" for name, version in part["versions"].items()) + ".", ""]
    for c in part["curves"]:
        if not any(c["series"].values()):
            continue
        lines += [f"### {c['name']}", "", f"![{c['name']}](plots/{slug(part, c)}.svg)", "", *table_of_points(c), ""]
        lines += [c["why"], ""] if c["why"] else []
    return lines


# ---- plots --------------------------------------------------------------------------------------------------------------------


def slug(part, curve):
    return re.sub(r"[^a-z0-9]+", "-", f"{part['name']} {curve['name']}".lower()).strip("-")


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def smaller(svg):
    """Without what is shown nowhere: descriptions, filters, marks for points but the one in use, empty groups."""
    svg = re.sub(r"<(desc|title|filter)\b.*?</\1>", "", svg, flags=re.S)
    svg = re.sub(r"<(?:path|use)\b[^>]*\bid='gpPt(?![56]')\d+'[^>]*/>", "", svg)
    svg = re.sub(r"<g\b[^>]*>\s*</g>", "", svg)
    return re.sub(r"[ \t]+$", "", re.sub(r"\n\s*\n*", "\n", svg), flags=re.M)


def draw(name, width, height, script):
    path = PLOTS / f"{name}.svg"
    subprocess.run(["gnuplot"], input=HEAD.format(width=width, height=height, path=path) + script, text=True, check=True)
    path.write_text(smaller(path.read_text()))


def wide(values):
    return min(values) > 0 and max(values) >= 30 * min(values)


def plot_curve(part, c):
    lines = {name: line for name, line in c["series"].items() if line}  # a quick run may have left some empty
    points = [p for line in lines.values() for p in line]
    if not points:
        return
    script = f"set xlabel {quoted(c['x'])}\nset ylabel {quoted(c['y'])}\nset key outside below maxrows 4\n"
    if wide([x for x, _ in points]):
        script += "set logscale x\n"
    script += "set logscale y\n" if wide([y for _, y in points]) else "set yrange [0:*]\n"
    script += "set format x '%.0s%c'\nset format y '%.1s%c'\n"
    # Words of the data are shown as they are, without gnuplot's marks for raised and lowered letters.
    drawn = [f"'-' using 1:2 with linespoints lw 2 pt 7 ps 0.5 lc rgb '{COLOURS[i % len(COLOURS)]}' " +
             (f"title {quoted(name)} noenhanced" if name else "notitle") for i, name in enumerate(lines)]
    data = "".join("".join(f"{x} {y}\n" for x, y in line) + "e\n" for line in lines.values())
    draw(slug(part, c), 720, 400, script + "plot " + ", ".join(drawn) + "\n" + data)


def beyond(r):
    """How far it is on the good side of its aim: 1 is just there. What is further than the plot reaches ends at its edge."""
    held = max(r["ratio"] if r["ratio"] is not None else r["value"], 1e-9)
    times = held / r["aim"][1] if r["aim"][0] == "≥" else r["aim"][1] / held
    return min(max(times, 1 / REACH), REACH)


def plot_overview(parts):
    rows = [(r, beyond(r)) for part in parts for r in part["rows"] if r["aim"]]
    if not rows:
        return False
    n = len(rows)
    labels = ", ".join(f"{quoted(r['what'] + (' : ' + r['of'] if r['of'] else ''))} {n - i}" for i, (r, _) in enumerate(rows))
    script = "set logscale x\nset xlabel 'times better than the aim (the line: just met)'\nset format x '%g'\n" \
             f"set yrange [0.4:{n + 0.6}]\nset ytics nomirror noenhanced font ',11' ({labels})\nset style fill solid\nset boxwidth 0.6\n" \
             "unset key\nset lmargin 62\nset arrow from 1, graph 0 to 1, graph 1 nohead lw 2 lc rgb '#222222' front\n" \
             f"set xrange [{1 / REACH}:{REACH}]\nset xtics (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20) nomirror\n"
    kinds = [(True, COLOURS[0]), (False, COLOURS[1])]
    drawn = ", ".join(f"'-' using (1):1:($2 < 1 ? $2 : 1):($2 < 1 ? 1 : $2):($1-0.3):($1+0.3) with boxxyerror lc rgb '{c}'" for _, c in kinds)
    data = "".join("".join(f"{n - i} {b}\n" for i, (r, b) in enumerate(rows) if r["met"] == met) + "e\n" for met, _ in kinds)
    if not all(any(r["met"] == met for r, _ in rows) for met, _ in kinds):  # gnuplot takes no empty series
        met = rows[0][0]["met"]
        drawn, data = drawn.split(", '-'")[0].replace(COLOURS[0], COLOURS[0 if met else 1]), "".join(
            f"{n - i} {b}\n" for i, (_, b) in enumerate(rows)) + "e\n"
    draw("overview", 1100, 110 + 22 * n, script + "plot " + drawn + "\n" + data)
    return True


# ---- the whole ----------------------------------------------------------------------------------------------------------------


def read_parts():
    parts = [json.loads(path.read_text()) for path in sorted(kit.BENCH.glob("*.json"))]
    parts = [p for p in parts if "rows" in p and "curves" in p]
    order = {name: i for i, name in enumerate(FIRST)}
    return sorted(parts, key=lambda p: (order.get(p["name"], len(order)), p["name"]))


def expected():
    """{name: title} of every part that a program here measures."""
    found = {}
    for path in sorted(kit.HERE.rglob("*.py")):
        if path.name not in ("results.py", "kit.py"):
            found.update(re.findall(r'\bPart\(\s*"([^"]+)",\s*"([^"]+)"', path.read_text()))
    return found


def main():
    parts = read_parts()
    there = {p["name"] for p in parts}
    shutil.rmtree(PLOTS, ignore_errors=True)
    PLOTS.mkdir()
    overview = plot_overview(parts)
    for part in parts:
        for c in part["curves"]:
            plot_curve(part, c)
    aims = [r["met"] for part in parts for r in part["rows"] if r["met"] is not None]
    absent = [f"*{title}*" for name, title in expected().items() if name not in there]
    words = string.Template((kit.HERE / "results.md.in").read_text())
    OUT.write_text(words.substitute(
        machine(), met=sum(aims), aims=len(aims), overview="![How far each figure is from its aim](plots/overview.svg)" if overview else "",
        absent="Not in this run: " + ", ".join(absent) + "." if absent else "Every part was measured.",
        sections="\n".join("\n".join(section(p)) for p in parts).rstrip("\n")) + "\n")
    print(f"{OUT.relative_to(kit.ROOT)}: {sum(aims)} of {len(aims)} aims met")


if __name__ == "__main__":
    main()
