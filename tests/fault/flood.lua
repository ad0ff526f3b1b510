-- SPDX-License-Identifier: MIT
-- wrk: all that clients ask for, as fast as it is answered. What runs is deleted, so that another one runs in its place, and so is
-- some of what waits. RUN names the run. After SECONDS nobody asks for anything more, and what is under way is waited for: wrk itself
-- counts only answers that come too late, never one that does not come. A thread that waits for none says ANSWERED. Prints what came
-- back as one line of JSON: how many answers of each status, how many 429 and 503 came without Retry-After, how many requests got
-- none, and the longest time.
local threads = {}
local NEVER = 1000 * 86400

function setup(thread)
    thread:set("name", (os.getenv("RUN") or "run") .. "-" .. #threads)
    threads[#threads + 1] = thread
end

function init()
    count, bare, answers, made, running = 0, 0, {}, {}, {}
    last, waiting, quiet = os.time() + tonumber(os.getenv("SECONDS")), 0, false
end

-- Called before each request of each connection, the first one too: in how many ms it is to be sent.
function delay()
    if os.time() < last then
        waiting = waiting + 1
        return 0
    end
    if waiting == 0 and not quiet then
        quiet = true
        io.write("ANSWERED\n")
        io.flush()
    end
    return NEVER
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
    waiting = waiting - 1
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
    local sums, all, without, never = {}, {}, 0, 0
    for _, thread in ipairs(threads) do
        for status, n in pairs(thread:get("answers")) do
            sums[status] = (sums[status] or 0) + n
        end
        without = without + thread:get("bare")
        never = never + thread:get("waiting")
    end
    for status, n in pairs(sums) do
        all[#all + 1] = string.format('"%d": %d', status, n)
    end
    local e = summary.errors
    io.write(string.format('FLOOD {"answers": {%s}, "without_retry_after": %d, "unanswered": %d, "seconds": %.3f, "longest_ms": %d, ' ..
        '"p99_ms": %d}\n', table.concat(all, ", "), without, never + e.connect + e.read + e.write + e.timeout, summary.duration / 1e6,
        latency.max / 1000, latency:percentile(99) / 1000))
end
