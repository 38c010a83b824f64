-- Documentation of what begins runs and holds them back: starts, callbacks, hooks, limits, schedules. See docs.lua for the
-- form.
return {
  {
    name = "aikit.StartOptions", text = "What `aikit.start` takes after the input.",
    fields = {
      "id? string  The id of the run; one that is made of this run's id and the place of the call unless given.",
      "wait? boolean  Waits for its end.",
      "on_parent_end? \"cancel\"|\"leave\"  What becomes of it when this run ends before it does; `cancel` unless given.",
    },
  },
  { name = "aikit.Callback", text = "A completion handler that tells an address how a run ended.", fields = {} },
  {
    name = "aikit.CallbackConfig", text = "What `aikit.callback` takes.",
    fields = {
      "url string  Where the message goes by `POST`; the run needs `--allow-net` for it.",
      "secret? aikit.Secret  Signs the body: `X-Aikit-Signature` is `sha256=` and the HMAC in hexadecimal.",
      "headers? table<string, string>  Further headers.",
      "timeout? aikit.Duration  How long an answer may take; `30s` unless given.",
    },
  },
  {
    name = "aikit.Hook", text = "A route `/hooks/PATH` that starts a run for each request, or gives a run a signal.",
    fields = {
      "id string  Unique within the workflow.",
      "path? string  What stands behind `/hooks/`, such as `github/push`; the id without it.",
      "verify? aikit.Verification  What `aikit.hmac` makes; without it anybody may call the hook.",
      "input? fun(request: aikit.HookRequest): any  The run's input; `nil` starts no run. The body's JSON without it.",
      "run_id? fun(request: aikit.HookRequest): string?  The run's id, so that what is sent twice starts one run.",
      "signal? fun(request: aikit.HookRequest): string?, string?, any  A run, an event and its data, in place of a start.",
    },
  },
  {
    name = "aikit.HookRequest", text = "What the functions of a hook get.",
    fields = {
      "method string  `POST`.", "path string  The path of the address.", "query table<string, string>  What stands in it.",
      "headers table<string, string>  By their names in lower case.", "body string  The body as it came.",
      "json any  The body's JSON; `nil` where it is none.",
    },
  },
  { name = "aikit.Verification", text = "How a hook knows whom a request is from.", fields = {} },
  {
    name = "aikit.Hmac", text = "What `aikit.hmac` takes.",
    fields = {
      "secret aikit.Secret  What both sides know.", "header string  The header with the HMAC of the raw body.",
      "algorithm? \"sha256\"|\"sha384\"|\"sha512\"|\"sha1\"  `sha256`.",
      "encoding? \"hex\"|\"base64\"  How the HMAC is written; `hex`.",
      "prefix? string  What stands before it, such as `sha256=`.",
      "timestamp? string  The header with the time of the signature, or the part of `header` that begins so, such as `t=`.",
      "tolerance? string|number  How far that time may lie from now; `5m`.",
      "signed? string  What is signed; `{body}`, with a `timestamp` `{timestamp}.{body}`. Other names are those of headers.",
    },
  },
  {
    name = "aikit.Concurrency", text = "How many runs may have begun and not be over.",
    fields = {
      "limit integer  At least 1.",
      "key? fun(input: any): string|number|boolean|nil  Runs with the same key share the limit; `nil` is not limited.",
    },
  },
  {
    name = "aikit.RateLimit", text = "How many runs may begin within any period.",
    fields = {
      "limit integer  At least 1.",
      "period string|number  A duration.",
      "key? fun(input: any): string|number|boolean|nil  Runs with the same key share the limit; `nil` is not limited.",
    },
  },
  {
    name = "aikit.Singleton", text = "One run of a key at a time.",
    fields = {
      "key? fun(input: any): string|number|boolean|nil  Of runs with the same key one is under way; `nil` is not limited.",
      "on_conflict? \"skip\"|\"cancel-running\"|\"queue\"  What a start does while a run is there; `skip`.",
    },
  },
  {
    name = "aikit.Debounce", text = "A run begins once no other start of its key has come for a period.",
    fields = {
      "period string|number  A duration.",
      "key? fun(input: any): string|number|boolean|nil  Starts with the same key come to one run; `nil` is not delayed.",
    },
  },
  {
    name = "aikit.Schedule", text = "When runs of a workflow begin by themselves: `cron`, or `every`.",
    fields = {
      "id string  Unique within the workflow.",
      "cron? string  Minute, hour, day of the month, month, day of the week, or six fields from the second on; `@daily`.",
      "timezone? string  The zone of `cron`, such as `Europe/Oslo`; UTC without it.",
      "every? string|number  A duration: its multiples since 1970 are the times.",
      "input? any  The input of its runs.",
      "overlap? \"skip\"|\"queue\"|\"cancel-running\"|\"allow\"  What happens while its run before is not over; `skip`.",
      "catch_up? string|number  How late a run may begin, after times that nothing served; a minute without it.",
      "catch_up_all? boolean  Every missed time within `catch_up` gets its run, not the newest alone.",
    },
  },
}
