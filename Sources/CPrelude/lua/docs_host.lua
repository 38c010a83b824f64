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
        "request", "Any method.", "options aikit.HttpRequest  All there is to say.",
        returns = "aikit.Response  The answer.",
        example = [[aikit.http.request { method = "OPTIONS", url = "https://api.example/" }]],
      },
    },
  },
  {
    name = "aikit.HttpOptions", text = "What the functions of `aikit.http` take after the URL.",
    fields = {
      "headers? table<string, string>  Headers by name.",
      "query? table<string, string|number|boolean|string[]>  Added to the URL, encoded.",
      "json? any  The body: sent as JSON, with its content type.",
      "body? string  The body as it is.",
      "timeout? aikit.Duration  How long the whole may take.",
      "max_size? integer  The largest answer to accept, in bytes.",
      "redirects? integer  How many redirects to follow.",
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
      "headers table<string, string>  The headers; a name may be written in any case.",
      "body string  The body.", "url string  Where the answer came from, after redirects.",
    },
    methods = {
      { "json", "Reads the body as JSON; a body that is not is an error that shows how it begins.", returns = "any  The value." },
      { "text", "The body.", returns = "string  The same as `body`." },
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
    name = "aikit.log", text = "Lines for the log of the process. `context:log` writes into the run's own.",
    functions = {
      level("debug", "Says what only someone who looks for a fault wants to know."), level("info", "Says what happened."),
      level("warn", "Says what may become a problem."), level("error", "Says what went wrong."),
    },
  },
}
