-- Documentation of what scripts ask of the host: HTTP, JSON, logging. See docs.lua for the form.
local function verb(name, text)
  return {
    name, text, "url string  Where to.", "options? aikit.HttpOptions  Headers, query, body, limits.",
    returns = "aikit.Response  The answer, whatever its status; only a request that gets none is an error.",
  }
end

local get = verb("get", "Asks for a resource.")
get.example = [[
local answer = aikit.http.get("https://api.example/v1/weather", { query = { city = "Nantes" }, timeout = "5s" })
local weather = answer:json()]]

local post = verb("post", "Sends something new.")
post.example = [[aikit.http.post("https://api.example/v1/orders", { json = { sku = "A-1", count = 2 } })]]

local function level(name, text)
  return { name, text, "message string  What to say.", "fields? table  Values that belong to it." }
end

return {
  {
    name = "aikit.http", text = "Requests over HTTP, to hosts that `--allow-net` names. The step waits for the answer, nothing else does.",
    functions = {
      get, post, verb("put", "Puts something in place."), verb("patch", "Changes a part of something."),
      verb("delete", "Removes something."), verb("head", "Asks for the headers alone."),
      {
        "stream", "An answer that is read while it comes. The step that asked for it reads it, and its end closes it.",
        "method string  Such as `GET`.", "url string  Where to.",
        "options? aikit.HttpStreamOptions  Headers, query, body, limits.", returns = "aikit.Stream  The answer.",
        example = [[
for event in aikit.http.stream("POST", url, { json = { stream = true } }):events() do
  context:emit { type = "delta", data = event.data }
end]],
      },
      {
        "request", "Any method.", "options aikit.HttpRequest  All there is to say.",
        returns = "aikit.Response  The answer.",
        example = [[aikit.http.request { method = "OPTIONS", url = "https://api.example/" }]],
      },
    },
  },
  {
    name = "aikit.HttpOptions", text = "What the functions of `aikit.http` take after the URL.",
    fields = {
      "headers? table<string, string|number|aikit.Secret|string[]>  Headers by name; a list is sent as several headers.",
      "query? string|table<string, string|number|boolean|string[]>  Added to the URL, encoded; a text as it is.",
      "json? any  The body: sent as JSON, with its content type.",
      "body? string|number  The body: a string of any bytes, sent as it is.",
      "multipart? table<string, string|number|aikit.HttpPart>|aikit.HttpPart[]  The body: parts of a form, by name or in a list.",
      "timeout? aikit.Duration  How long the whole may take, from connecting to the last byte; 30 s unless given.",
      "queue_timeout? aikit.Duration  How long to wait for one of the connections to the host; 5 min unless given.",
      "max_size? integer  The largest answer to accept, unpacked, in bytes; 16 MiB unless given, at most 256 MiB.",
      "redirects? integer  How many redirects to follow; 10 unless given.",
    },
  },
  {
    name = "aikit.HttpStreamOptions", extends = "aikit.HttpOptions",
    text = "What `aikit.http.stream` takes. `timeout` is until the answer begins, and `max_size` is 1 GiB unless given.",
    fields = {
      'as? "chunks"|"lines"|"events"  What a loop over the answer itself gives; chunks unless given.',
      "idle_timeout? aikit.Duration  How long the server may send nothing; 60 s unless given.",
    },
  },
  {
    name = "aikit.Stream", instance = "stream",
    text = "An answer that comes in parts. A loop that is left closes it: `for line in stream:lines() do … end`.",
    fields = {
      "status integer  The status code.", "ok boolean  Whether the status is 200 to 299.",
      "headers table<string, any>  The headers, as those of any answer.", "url string  Where it comes from, after redirects.",
      "retry_after? integer  The seconds to wait that the server asks for.",
    },
    methods = {
      { "chunks", "The bytes as they come.", returns = "fun(): string?  For a loop." },
      { "lines", "The lines, without their ends.", returns = "fun(): string?  For a loop." },
      { "events", "Server-sent events.", returns = "fun(): aikit.ServerEvent?  For a loop." },
      { "text", "All that is still to come, at most 16 MiB.", returns = "string  The text." },
      { "close", "Ends the connection." },
    },
  },
  {
    name = "aikit.ServerEvent", text = "A server-sent event.",
    fields = {
      "event string  Its name; `message` unless the server says.", "data string  Its lines, joined.",
      "id? string  The last id that came.", "retry? integer  The milliseconds to wait before asking again.",
    },
  },
  {
    name = "aikit.HttpPart", text = "A part of a form that is sent as multipart/form-data.",
    fields = {
      "name? string  The name, in a list of parts.", "body string|number  What it holds: a string of any bytes.",
      "filename? string  The name of the file that it is.", "type? string  Its content type.",
    },
  },
  {
    name = "aikit.HttpRequest", extends = "aikit.HttpOptions", text = "What `aikit.http.request` takes.",
    fields = { "url string  Where to.", "method? string  `GET` unless given." },
  },
  {
    name = "aikit.Response", instance = "response", text = "The answer to an HTTP request.",
    fields = {
      "status integer  The status code.", "ok boolean  Whether the status is 200 to 299.",
      "headers table<string, any>  The headers as texts, `set-cookie` as a list of them; a name may be written in any case.",
      "body string  The body: a string of any bytes, unpacked when it came compressed.",
      "url string  Where the answer came from, after redirects.",
      "retry_after? integer  The seconds to wait that the server asks for, in seconds or by a date.",
    },
    methods = {
      { "json", "Reads the body as JSON; a body that is not is an error that shows how it begins.", returns = "any  The value." },
      {
        "values", "All values of a header that may come several times, in order.", "name string  The header, in any case.",
        returns = "string[]  The values; none without the header.",
      },
      { "text", "The body.", returns = "string  The same as `body`." },
    },
  },
  {
    name = "aikit.Permissions", text = "Permissions by their kinds: `true` for all, `false` for none, or names.",
    fields = {
      "net? boolean|string[]  Hosts: `example.com`, `example.com:8080`, `*.example.com`.",
      "env? boolean|string[]  Variables: `NAME`, `PREFIX*`.", "read? boolean|string[]  Files and folders that are read.",
      "write? boolean|string[]  Files and folders that are written.", "run? boolean|string[]  Programs.",
      "secret? boolean|string[]  Variables that go anywhere as secrets.", "model? boolean|string[]  Models.",
      "host? boolean|string[]  Operations that the program gives which runs the engine: `orders.lookup`, `orders.*`.",
    },
  },
  {
    name = "aikit.Secret", instance = "secret",
    text = "What stands for a secret. It shows as `secret(NAME)`, goes into headers alone, and is refused everywhere else.",
    fields = { "name string  Its name." },
    methods = {
      {
        "bearer", "The value of an Authorization header with this token.", returns = "aikit.Secret  `Bearer …`.",
        example = [[local authorization = aikit.secret("API_TOKEN"):bearer()]],
      },
      {
        "basic", "The value of an Authorization header with this password.", "user string  Whose password it is.",
        returns = "aikit.Secret  `Basic …`.",
        example = [[local authorization = aikit.secret("API_PASSWORD"):basic "ada"]],
      },
      {
        "prefixed", "A header's value that begins with a text.", "text string  What stands before it.",
        returns = "aikit.Secret  Both together.", example = [[local authorization = aikit.secret("API_KEY"):prefixed "ApiKey "]],
      },
    },
  },
  {
    name = "aikit.json", text = "JSON text.",
    functions = {
      {
        "encode", "Writes a value as JSON, with its keys sorted.", "value any  The value.",
        "options? { pretty?: boolean }  `pretty` breaks lines and indents.", returns = "string  The text.",
        example = [[local text = aikit.json.encode({ name = "Ada" }, { pretty = true })]],
      },
      {
        "decode", "Reads JSON text; what is wrong in it is an error.", "text string  The text.", returns = "any  The value.",
      },
    },
  },
  {
    name = "aikit.log", text = "Lines for standard error that no run keeps, such as those of a module that loads; see `context:log`.",
    functions = {
      level("debug", "Says what only someone who looks for a fault wants to know."), level("info", "Says what happened."),
      level("warn", "Says what may become a problem."), level("error", "Says what went wrong."),
    },
  },
}
