-- What load.ts reads: requests, microseconds, the 99th percentile of the latency, and how many failed.
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99.0),
    e.connect + e.read + e.write + e.status + e.timeout))
end
