-- SPDX-License-Identifier: MIT
-- wrk: the figures of a run as one line of JSON; status codes other than 2xx are counted as errors.
function done(summary, latency)
    io.write(string.format('BENCH {"requests": %d, "us": %d, "errors": %d, "p50": %d, "p99": %d}\n', summary.requests,
        summary.duration, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write +
        summary.errors.timeout, latency:percentile(50), latency:percentile(99)))
end
