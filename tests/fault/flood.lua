-- SPDX-License-Identifier: MIT
-- wrk: all that clients ask for, as fast as it is answered. What runs is deleted, so that another one runs in its place, and so is
-- some of what waits. RUN names the run. Prints what came back as one line of JSON: how many answers of each status, how many 429
-- and 503 came without Retry-After, how many requests got none, and the longest time.
local threads = {}

function setup(thread)
    thread:set("name", (os.getenv("RUN") or "run") .. "-" .. #threads)
    threads[#threads + 1] = thread
end

function init()
    count, bare, answers, made, running = 0, 0, {}, {}, {}
end

local function post(id)
    return wrk.format("POST", "/v1/lab/", nil, '{"request_id":"' .. id .. '","owner_id":"y","data":{"instances":[{"gpu":1}]},' ..
        '"callback":"cb-' .. id .. '"}')
end

function request()
    count = count + 1
    local turn, id = count % 20, name .. "-" .. count
    if turn < 11 then
        return post(id)
    elseif turn < 16 and (running[1] or made[1]) then
        return wrk.format("DELETE", "/v1/lab/" .. table.remove(running[1] and running or made))
    elseif turn < 18 then
        return wrk.format("GET", "/v1/lab/" .. name .. "-" .. (count - 16))
    elseif turn == 18 then
        return wrk.format("GET", "/v1/lab/?status=running&limit=50")
    elseif count % 100 == 19 then
        return wrk.format("GET", "/v1/lab/")
    end
    return wrk.format("GET", "/queues/lab")
end

function response(status, headers, body)
    answers[status] = (answers[status] or 0) + 1
    if status == 201 then
        made[#made + 1] = body:match('"RequestID":"([^"]+)"')
    elseif status == 200 and #running == 0 and #body < 40000 and body:find('^{"data":%[{') then
        for id in body:gmatch('"RequestID":"([^"]+)"') do
            running[#running + 1] = id
        end
    end
    if (status == 429 or status == 503) and not headers["Retry-After"] then
        bare = bare + 1
    end
end

function done(summary, latency)
    local sums, all, without = {}, {}, 0
    for _, thread in ipairs(threads) do
        for status, n in pairs(thread:get("answers")) do
            sums[status] = (sums[status] or 0) + n
        end
        without = without + thread:get("bare")
    end
    for status, n in pairs(sums) do
        all[#all + 1] = string.format('"%d": %d', status, n)
    end
    local e = summary.errors
    io.write(string.format('FLOOD {"answers": {%s}, "without_retry_after": %d, "unanswered": %d, "seconds": %.3f, "longest_ms": %d, ' ..
        '"p99_ms": %d}\n', table.concat(all, ", "), without, e.connect + e.read + e.write + e.timeout, summary.duration / 1e6,
        latency.max / 1000, latency:percentile(99) / 1000))
end
