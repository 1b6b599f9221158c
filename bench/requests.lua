-- For wrk: sends the requests of a file in random order, and says as JSON what became of them.
--
-- Arguments: a file with a header a line, and a file with a request a line, METHOD TAB PATH TAB BODY. A body that begins
-- with `@` is in the file named after it.

local prepared = {}

local function read(name)
  local file = assert(io.open(name, "rb"))
  local content = file:read("*a")
  file:close()
  return content
end

function init(args)
  local headers = {}
  for line in io.lines(args[1]) do
    local name, value = line:match("^([^:]+): (.*)$")
    headers[name] = value
  end
  for line in io.lines(args[2]) do
    local method, path, body = line:match("^(%S+)\t(%S+)\t(.*)$")
    if body:sub(1, 1) == "@" then body = read(body:sub(2)) end
    prepared[#prepared + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
  end
end

function request()
  return prepared[math.random(#prepared)]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
