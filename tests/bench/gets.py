#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""GETs through nginx: of one job, beside the same front with a fixed answer; of a list that has not changed, by its ETag. Part of
`make bench`."""
import kit
from servers import clients_curve, fill, get, servers, url

LIST = 100000
FRONT = "the front with a fixed answer"


def unchanged(a, clients):
    """GETs of the whole list with its tag: every one must be a 304."""
    tag = a.get("/v1/vm/").headers["ETag"]
    assert a.get("/v1/vm/", headers={"If-None-Match": tag}).status == 304
    return get(a, clients, "/v1/vm/", TAG=tag)


def main():
    part = kit.Part("gets", "GET through nginx")
    with servers() as start:
        fixed, a = start("fixed", "fixed"), start("real")
        fill(a, LIST)
        one = f"/v1/vm/request-{LIST // 2}"
        seen = kit.interleave({"get": get(a, 64, one), "fixed": get(fixed, 64, one), "304": unchanged(a, 64),
                               "get 1": get(a, 1, one), "fixed 1": get(fixed, 1, one)})
        rate = {name: kit.median(runs, "rate") for name, runs in seen.items()}
        part.row("GET of one job, 64 clients", rate["get"], "/s", rate["get"] / rate["fixed"], FRONT, ("≥", 0.72),
                 f"p50 {kit.median(seen['get'], 'p50'):.1f} ms, p99 {kit.median(seen['get'], 'p99'):.1f} ms; the front {rate['fixed']:,.0f}/s")
        part.row("GET of one job, one client", rate["get 1"], "/s", rate["get 1"] / rate["fixed 1"], FRONT)
        part.row(f"GET, 304, of a list of {LIST:,}, 64 clients", 1e6 / rate["304"], "µs", rate["get"] / rate["304"], "a single GET",
                 ("≤", 1.2), f"{rate['304']:,.0f}/s; time a request")
        clients_curve(part, "GET", a, fixed, lambda to, n: get(to, n, one, seconds=1, refusals=True))
    part.save()


if __name__ == "__main__":
    main()
