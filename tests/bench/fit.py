# SPDX-License-Identifier: MIT
"""Fit: 100 instances on 1,000 hosts, case by case (fit.c), and over the number of hosts.

BENCH_CASES (2000): random cases of each kind."""
import itertools
import json
import os
import subprocess

import kit

CASES = int(os.environ.get("BENCH_CASES", "2000" if kit.SECONDS >= 5 else "300"))
FAMILIES = {"random": "random hosts", "gapless": "hosts that a placement fills up", "short": "the same, one unit less"}


def ask(policy, family, hosts=1000, cases=CASES, seed=1):
    argv = [kit.BENCH / "fit", policy, family, str(hosts), str(cases), str(seed)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def row(part, policy, family, found):
    mid = {n: kit.median(found, n) / 1000 for n in ("p50", "p99", "most")}
    sums = {n: sum(f[n] for f in found) for n in ("yes", "no", "unknown", "decided_in_10_ms")}
    note = f"p50 {mid['p50']:.2f}, p99 {mid['p99']:.2f}, the longest {mid['most']:.1f} ms; {sums['yes']:,} yes, {sums['no']:,} no"
    aimed = family == "random"
    if policy == "spread":
        part.row(f"spread, {FAMILIES[family]}: p99", mid["p99"], "ms", aim=("≤", 1) if aimed else None, note=note)
        return
    share = 100 * sums["decided_in_10_ms"] / (CASES * len(found))
    part.row(f"pack, {FAMILIES[family]}: decided in 10 ms", share, "%", aim=("≥", 99) if aimed else None,
             note=f"{note}, {sums['unknown']:,} unknown: those used up the budget of {found[0]['budget']:,} steps")


def main():
    part, seeds = kit.Part("fit", "Fit of 100 instances"), itertools.count()
    seen = kit.interleave({(policy, family): lambda p=policy, f=family: ask(p, f, seed=next(seeds))
                           for policy in ("spread", "pack") for family in FAMILIES})
    for (policy, family), found in seen.items():
        row(part, policy, family, found)
    hosts = [10 ** n for n in range(1, 6)]
    curves = {policy: [(n, kit.median([ask(policy, "random", n, max(20, 20_000 // n), seed)["p50"] for seed in range(kit.ROUNDS)]) / 1000)
                       for n in hosts] for policy in ("spread", "pack")}
    part.curve("fit over hosts", "hosts", "ms (median)", curves, "Every host is looked at once or a few times for each kind of instance: "
               "linear. With few hosts the instances do not fit, which the quick bounds see at once.")
    part.save()


if __name__ == "__main__":
    main()
