-- SPDX-License-Identifier: MIT
-- wrk: the figures of a run as one line of JSON. Status codes of 400 and more are "refused", what else goes wrong "errors".
-- TAG: a value of If-None-Match that every request has.
wrk.headers["If-None-Match"] = os.getenv("TAG")
function done(summary, latency)
    local e = summary.errors
    io.write(string.format('BENCH {"requests": %d, "us": %d, "refused": %d, "errors": %d, "p50": %d, "p99": %d}\n',
        summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout, latency:percentile(50),
        latency:percentile(99)))
end
