-- Heartbeats of many clusters in turn, each on a connection of its own as schedulers send them. BENCH_DATA names a file whose
-- first line is the body and whose others are "PATH TOKEN".
local clusters, body, at = {}, nil, 0

init = function()
  for line in io.lines(os.getenv("BENCH_DATA")) do
    if body == nil then
      body = line
    else
      local path, token = line:match("^(%S+) (%S+)$")
      clusters[#clusters + 1] = wrk.format("POST", path, {
        ["Host"] = wrk.host,
        ["Authorization"] = "token " .. token,
        ["Content-Type"] = "application/json",
        ["Connection"] = "close",
      }, body)
    end
  end
end

request = function()
  at = at % #clusters + 1
  return clusters[at]
end

done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99.0),
    e.connect + e.read + e.write + e.status + e.timeout))
end
