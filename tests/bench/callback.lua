-- SPDX-License-Identifier: MIT
-- wrk: a POST that is as long as a callback.
dofile((debug.getinfo(1, "S").source:sub(2):gsub("callback%.lua$", "answers.lua")))
wrk.method = "POST"
wrk.body = string.rep("x", 480)
wrk.headers["content-type"] = "application/json"
wrk.headers["webhook-id"] = "msg_0123456789abcdef_1234567_1"
wrk.headers["webhook-timestamp"] = "1795000000"
