-- SPDX-License-Identifier: MIT
-- wrk: a POST of a new job every time, of an array of ARRAY new jobs where that is set. Each thread has a name of its own, and so
-- has each run.
dofile((debug.getinfo(1, "S").source:sub(2):gsub("post%.lua$", "answers.lua")))
local thread_number, array = 0, tonumber(os.getenv("ARRAY") or "0")
function setup(thread)
    thread:set("name", (os.getenv("RUN") or "run") .. "-" .. thread_number)
    thread_number = thread_number + 1
end
function init()
    count = 0
end
local function job()
    count = count + 1
    local id = name .. "-" .. count
    return '{"request_id":"' .. id .. '","owner_id":"y","data":{"instances":[{"VCPU":1,"Memory":1,"Disk":1}],' ..
        '"project":"project id"},"callback":"' .. id .. '"}'
end
function request()
    if array == 0 then
        return wrk.format("POST", "/v1/vm/", nil, job())
    end
    local jobs = {}
    for i = 1, array do
        jobs[i] = job()
    end
    return wrk.format("POST", "/v1/vm/", nil, "[" .. table.concat(jobs, ",") .. "]")
end
