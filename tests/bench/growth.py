# SPDX-License-Identifier: MIT
"""How GETs and durable POSTs of one job change with the number of jobs that wait; lists.py has the queues."""
import pathlib
import re

import kit
from servers import get, observed, post

GET = "GET over the jobs that wait, 64 clients"
POST = "durable POST over the jobs that wait, 64 clients"


def waiting(a):
    return a.get("/queues/vm").json["data"]["Jobs"]["queued"]


def read_and_written(a):
    """Kilobytes that the service has read and written, files and sockets together."""
    said = pathlib.Path(f"/proc/{a.fcgi.pid}/io").read_text()
    return [int(re.search(rf"^{what}: (\d+)", said, re.M)[1]) / 1024 for what in ("rchar", "wchar")]


def asked(a, measure):
    """What was measured, how many jobs were there halfway, and what a request read and wrote."""
    jobs, kilobytes = waiting(a), read_and_written(a)
    said = observed(a, measure)()
    read, written = ((y - x) / said["answers"] for x, y in zip(kilobytes, read_and_written(a)))
    return {**said, "jobs": (jobs + waiting(a)) / 2, "read": read, "written": written}


def curve(part, name, seen, why):
    """why: has places for what the first and the last point are like."""
    middle = {n: {member: kit.median(runs, member) for member in runs[0]} for n, runs in seen.items()}
    (few, first), (many, last) = list(middle.items())[0], list(middle.items())[-1]
    part.curve(name, "jobs waiting, halfway through the measurement", "requests/s", [(m["jobs"], m["rate"]) for m in middle.values()],
               f"A request reads and writes {first['read']:.1f} and {first['written']:.1f} KB where it began with {few:,} jobs, "
               f"{last['read']:.1f} and {last['written']:.1f} KB with {many:,}; the service takes {first['service']:.0f} and "
               f"{last['service']:.0f} µs of processor time for it. " + why)


def curves(part, at):
    """at: {jobs: the service whose queue has them}. Makes the queues longer."""
    gets = kit.interleave({n: (lambda a=a, n=n: asked(a, get(a, 64, f"/v1/vm/request-{n // 2}", seconds=1))) for n, a in at.items()})
    curve(part, GET, gets, "A job is found by its name in an index, whose depth grows with the logarithm of the number of jobs; what is "
                           "asked for again is in the cache.")
    posts = kit.interleave({n: (lambda a=a: asked(a, post(a, 64, seconds=1))) for n, a in at.items()})
    curve(part, POST, posts, "A job is a row at the end of its table and an entry in each index. Where the entries of a commit fall on "
                             "pages of their own, and not on one that is written anyway, each is a page read and a page written.")
