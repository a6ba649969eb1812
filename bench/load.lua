-- Posts chat requests as the official OpenAI SDK sends them, and prints the summary as JSON.
-- Arguments: the models (names of chains, with commas between), the size of the body in bytes, the
-- number of callers' keys that are used in turn, and the number of different heads.

local KEY = "sk-bench-0123456789abcdefghijklmnopqrstuvwxyz"

local function body(model, size)
   local head = '{"model":"' .. model .. '","messages":[{"role":"user","content":"'
   local tail = '"}],"temperature":0.7}'
   return head .. string.rep("word ", math.floor((size - #head - #tail) / 5)) .. tail
end

-- Uses the models and the keys in turn; written beforehand, so that it costs little.
local function rotate(models, size, keys, heads)
   local requests, at = {}, 0
   for number = 0, math.max(#models, keys, heads) - 1 do
      local key = number % keys
      wrk.headers["X-Request-Source"] = "bench-" .. number % heads
      wrk.body = body(models[number % #models + 1], size)
      wrk.headers["Authorization"] = "Bearer " .. KEY .. (key > 0 and "-" .. key or "")
      requests[number + 1] = wrk.format()
   end
   request = function()
      at = at % #requests + 1
      return requests[at]
   end
end

function init(args)
   local models, size = {}, tonumber(args[2])
   local keys, heads = tonumber(args[3]), tonumber(args[4])
   for model in string.gmatch(args[1], "[^,]+") do
      models[#models + 1] = model
   end
   wrk.method = "POST"
   wrk.body = body(models[1], size)
   wrk.headers["Accept"] = "application/json"
   wrk.headers["Accept-Encoding"] = "gzip, deflate"
   wrk.headers["Authorization"] = "Bearer " .. KEY
   wrk.headers["Connection"] = "keep-alive"
   wrk.headers["Content-Type"] = "application/json"
   wrk.headers["User-Agent"] = "OpenAI/Python 2.8.1"
   wrk.headers["X-Request-Source"] = "bench"
   wrk.headers["X-Stainless-Arch"] = "x64"
   wrk.headers["X-Stainless-Async"] = "false"
   wrk.headers["X-Stainless-Lang"] = "python"
   wrk.headers["X-Stainless-OS"] = "Linux"
   wrk.headers["X-Stainless-Package-Version"] = "2.8.1"
   wrk.headers["X-Stainless-Read-Timeout"] = "600"
   wrk.headers["X-Stainless-Retry-Count"] = "0"
   wrk.headers["X-Stainless-Runtime"] = "CPython"
   wrk.headers["X-Stainless-Runtime-Version"] = "3.11.2"
   if #models > 1 or keys > 1 or heads > 1 then
      rotate(models, size, keys, heads)
   end
end

function done(summary, latency, requests)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   io.write(string.format(
      '{"requests":%d,"seconds":%.6f,"failed":%d,"p50_ms":%.4f,"p99_ms":%.4f}\n',
      summary.requests, summary.duration / 1e6, failed,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
