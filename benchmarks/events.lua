-- wrk's load: every event is another visit of another client. KEY, BATCH, RUN and EVENT come by the environment.

local key, batch, run = os.getenv("KEY"), tonumber(os.getenv("BATCH")), os.getenv("RUN")
local event = os.getenv("EVENT")
local sent = 0

local function put(text, name, value)
  local from, to = text:find(name, 1, true)
  return text:sub(1, from - 1) .. value .. text:sub(to + 1)
end

local function another()
  sent = sent + 1
  local one = put(event, '"e-0"', string.format('"%s-%d"', run, sent))
  one = put(one, '"visit-0"', string.format('"%s-%d"', run, sent))
  one = put(one, '"c-0"', string.format('"%s-%d"', run, sent))
  one = put(one, 'c0@example.com', string.format('c%d@example.com', sent))
  -- Spread over all blocks of ten thousand numbers, so that no block fills.
  return put(one, '+447400000000', string.format('+447400%06d', (sent * 7919) % 1000000))
end

function request()
  local body
  if batch == 1 then
    body = another()
  else
    local events = {}
    for number = 1, batch do events[number] = another() end
    body = "[" .. table.concat(events, ",") .. "]"
  end
  return wrk.format("POST", nil, { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }, body)
end

function done(summary, latency)
  io.write(string.format('{"requests": %d, "seconds": %f, "p99_ms": %f, "refused": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(99) / 1000,
    summary.errors.status + summary.errors.timeout + summary.errors.read + summary.errors.write))
end
