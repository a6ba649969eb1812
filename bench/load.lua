-- Posts chat requests as the official OpenAI SDK sends them, and prints the summary as JSON.
-- Arguments: the model (a chain's name) and the size of the body in bytes.

function init(args)
   local model, size = args[1], tonumber(args[2])
   local head = '{"model":"' .. model .. '","messages":[{"role":"user","content":"'
   local tail = '"}],"temperature":0.7}'
   wrk.method = "POST"
   wrk.body = head .. string.rep("word ", math.floor((size - #head - #tail) / 5)) .. tail
   wrk.headers["Accept"] = "application/json"
   wrk.headers["Accept-Encoding"] = "gzip, deflate"
   wrk.headers["Authorization"] = "Bearer sk-bench-0123456789abcdefghijklmnopqrstuvwxyz"
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
end

function done(summary, latency, requests)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   io.write(string.format(
      '{"requests":%d,"seconds":%.6f,"failed":%d,"p50_ms":%.4f,"p99_ms":%.4f}\n',
      summary.requests, summary.duration / 1e6, failed,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
