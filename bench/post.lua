-- wrk script: POST alerts to /api/v2/alerts. Environment: BATCH alerts per request, KEYS fingerprints to repeat over
-- (0: every alert is new), GROUPS alert names, RUN a word that makes alerts of this run different from any other's.
local batch = tonumber(os.getenv("BATCH") or "1")
local keys = tonumber(os.getenv("KEYS") or "0")
local groups = tonumber(os.getenv("GROUPS") or "100")
local run = os.getenv("RUN") or "run"
local starts = os.getenv("STARTS") or "2026-01-01T00:00:00.000Z"
local ends = os.getenv("ENDS") or ""
local counter = 0

local before = '{"annotations":{"description":"The error rate of the service has been above its objective for ten minutes",' ..
  '"runbook_url":"https://runbooks.example.org/errors","summary":"Error rate is high"},' ..
  (ends ~= "" and ('"endsAt":"' .. ends .. '",') or "") .. '"startsAt":"' .. starts .. '",' ..
  '"generatorURL":"http://prometheus.example.org:9090/graph?g0.expr=rate%28errors%5B5m%5D%29+%3E+1&g0.tab=1",' ..
  '"labels":{"alertname":"Bench'

local function alert(n)
  return before .. (n % groups) .. '","cluster":"eu-1","instance":"host-' .. run .. '-' .. n ..
    ':9100","job":"node","namespace":"shop","service":"checkout","severity":"warning"}}'
end

local cache = {}

local function body()
  local parts = {}
  for i = 1, batch do
    local n = counter
    counter = counter + 1
    if keys > 0 then n = n % keys end
    parts[i] = alert(n)
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

wrk.method = "POST"
wrk.path = "/api/v2/alerts"
wrk.headers["Content-Type"] = "application/json"

function request()
  if keys > 0 then
    local at = counter % keys
    local made = cache[at]
    if made == nil then
      made = wrk.format(nil, nil, nil, body())
      cache[at] = made
    else
      counter = counter + batch
    end
    return made
  end
  return wrk.format(nil, nil, nil, body())
end



function done(summary, latency)

  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"non2xx":%d,"errors":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
