-- SPDX-License-Identifier: MIT
-- wrk: a POST of a new job every time. Each thread has a name of its own, and so has each run.
local thread_number = 0
function setup(thread)
    thread:set("name", (os.getenv("RUN") or "run") .. "-" .. thread_number)
    thread_number = thread_number + 1
end
function init()
    count = 0
end
function request()
    count = count + 1
    local id = name .. "-" .. count
    return wrk.format("POST", "/v1/vm/", nil,
        '{"request_id":"' .. id .. '","owner_id":"y","data":{"instances":[{"VCPU":1,"Memory":1,"Disk":1}],' ..
        '"project":"project id"},"callback":"' .. id .. '"}')
end
function done(summary, latency)
    io.write(string.format('BENCH {"requests": %d, "us": %d, "errors": %d, "p50": %d, "p99": %d}\n', summary.requests,
        summary.duration, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write +
        summary.errors.timeout, latency:percentile(50), latency:percentile(99)))
end
