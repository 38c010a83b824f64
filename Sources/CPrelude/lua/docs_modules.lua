-- Documentation of the modules for files, programs, time, digests and text. See docs.lua for the form.
local FORM = 'form? "hex"|"base64"|"base64url"|"bytes"  How it comes; hexadecimal digits unless given.'

local function digest(name, text)
  return { name, text, "bytes string  Any bytes.", FORM, returns = "string  The digest." }
end

local sha256 = digest("sha256", "The SHA-256 digest of bytes.")
sha256.example = [[local etag = aikit.crypto.sha256(aikit.json.encode(order))]]

return {
  {
    name = "aikit.env", text = "The variables of the host's environment that `--allow-env` grants.",
    functions = {
      {
        "get", "The value of a variable.", "name string  Its name.", "default? string  What to give where it is not set.",
        returns = "string?  The value.", example = [[local stage = aikit.env.get("STAGE", "test")]],
      },
      { "all", "All variables that are granted.", returns = "table<string, string>  By name." },
    },
  },
  {
    name = "aikit.fs",
    text = "Regular files that `--allow-read` and `--allow-write` grant. Paths go from the folder that the process works in.",
    functions = {
      {
        "read", "The bytes of a file.", "path string  The file.",
        "options? { max_size?: integer }  The most bytes to accept: 16 MiB unless given, at most 256 MiB.",
        returns = "string  The bytes.", example = [[local orders = aikit.json.decode(aikit.fs.read "orders.json")]],
      },
      {
        "write", "Writes a file in one step: who reads it sees the old bytes or the new ones. A link is replaced, not followed.",
        "path string  The file.", "data string|number  What it is to hold.",
      },
      {
        "append", "Adds to the end of a file, which is made where there is none.", "path string  The file.",
        "data string|number  What to add.",
      },
      {
        "lines", "Iterates over the lines of a file of any size, without their ends.", "path string  The file.",
        returns = "fun(): string?  For a loop.",
        example = [[for line in aikit.fs.lines "access.log" do print(line) end]],
      },
      { "list", "The entries of a folder, by name.", "path string  The folder.", returns = "aikit.FileEntry[]  At most 100,000." },
      { "stat", "What there is at a path; links are followed.", "path string  The path.", returns = "aikit.FileInfo?  Nil for nothing." },
      {
        "glob", "The paths that fit a pattern: `*`, `?` and `[a-z]` within a name, `**` for any folders.",
        "pattern string  Such as `data/**/*.csv`.", returns = "string[]  In order.",
      },
      {
        "temp", "Makes an empty file with a name of its own.", "folder? string  Where; the system's folder for such files unless given.",
        "prefix? string  How its name begins.", returns = "string  Its path.",
      },
      {
        "remove", "Removes a file or an empty folder.", "path string  What.",
        "options? { recursive?: boolean }  Whether a folder goes with all that is in it; links are removed, not followed.",
      },
      { "mkdir", "Makes a folder, and those above it; one that is there is no error.", "path string  The folder." },
    },
  },
  {
    name = "aikit.FileEntry", text = "An entry of a folder.",
    fields = { "name string  Its name.", 'type "file"|"directory"|"link"|"other"  What it is.' },
  },
  {
    name = "aikit.FileInfo", text = "What there is at a path.",
    fields = {
      'type "file"|"directory"|"other"  What it is.', "size integer  Bytes.",
      "modified integer  When it was changed, in milliseconds since 1970.", "mode integer  The permission bits.",
    },
  },
  {
    name = "aikit.ExecCall", text = "What `aikit.exec` takes besides the program and its arguments, which stand in the list.",
    fields = {
      "stdin? string|number  What it reads; nothing unless given.", "cwd? string  The folder that it works in.",
      "env? table<string, string|number|aikit.Secret>  Variables besides the usual ones and those that `--allow-env` grants.",
      "timeout? aikit.Duration  When it is killed; 60 s unless given.",
      "max_output? integer  The most bytes of each output: 16 MiB unless given, at most 256 MiB; past it, it is killed.",
    },
  },
  {
    name = "aikit.ExecResult", text = "What a program came to.",
    fields = {
      "status? integer  Its exit status; nil where a signal ended it.", "signal? string  The signal that ended it: `SIGKILL`.",
      "ok boolean  Whether the status is 0.", "stdout string  What it printed, any bytes.", "stderr string  What it printed there.",
    },
  },
  {
    name = "aikit.time",
    text = "The calendar. Times are milliseconds since 1970; a zone is an IANA name, `UTC`, or an offset such as `+02:00`.",
    functions = {
      {
        "format", "A time as text.", "at number  The time.",
        "layout? string  Letters of strftime (`%Y-%m-%d %H:%M:%S`, `%f` for milliseconds, `%:z`); ISO 8601 unless given.",
        "zone? string  UTC unless given.", returns = "string  The text.",
        example = [[local day = aikit.time.format(aikit.now(), "%A %d %B", "Europe/Oslo")]],
      },
      {
        "parse", "The time that a text says; one that does not fit is an error with the code `invalid_time`.", "text string  The text.",
        "layout? string  Letters of strptime; ISO 8601 unless given.", "zone? string  For texts that say none; UTC unless given.",
        returns = "integer  The time.", example = [[local at = aikit.time.parse("2026-12-24T18:00:00+01:00")]],
      },
      {
        "add", "A time moved: years, months, weeks and days by the calendar of the zone, the rest by its length.",
        "at number  The time.", "amount aikit.TimeAmount  By how much.", "zone? string  UTC unless given.",
        returns = "integer  The time.", example = [[local due = aikit.time.add(aikit.now(), { months = 1 }, "Europe/Oslo")]],
      },
      {
        "diff", "How much later `b` is than `a`.", "a number  A time.", "b number  Another one.",
        'unit? "ms"|"s"|"m"|"h"|"d"  Seconds unless given.', returns = "number  The difference.",
      },
      {
        "fields", "The fields of a time.", "at number  The time.", "zone? string  UTC unless given.",
        returns = "aikit.TimeFields  Year to millisecond, and more.",
      },
      {
        "of", "The time of fields.", "fields aikit.TimeFields  What is left out after the year is its first moment.",
        "zone? string  UTC unless given.", returns = "integer  The time.",
      },
    },
  },
  {
    name = "aikit.TimeAmount", text = "By how much a time is moved: integers, also negative ones.",
    fields = {
      "years? integer  Years.", "months? integer  Months.", "weeks? integer  Weeks.", "days? integer  Days.",
      "hours? integer  Hours.", "minutes? integer  Minutes.", "seconds? integer  Seconds.",
      "milliseconds? integer  Milliseconds.",
    },
  },
  {
    name = "aikit.TimeFields", text = "A time as a calendar and a clock show it.",
    fields = {
      "year integer  0 to 9999.", "month? integer  1 to 12.", "day? integer  1 to 31.", "hour? integer  0 to 23.",
      "minute? integer  0 to 59.", "second? integer  0 to 59.", "millisecond? integer  0 to 999.",
      "weekday? integer  1 (Monday) to 7; given, not taken.", "yearday? integer  1 to 366; given, not taken.",
      "offset? integer  Seconds ahead of UTC; given, not taken.",
    },
  },
  {
    name = "aikit.crypto", text = "Digests, and strings of any bytes as text, as JSON and headers need them.",
    functions = {
      {
        "base64_encode", "Writes bytes as base64, with padding.", "bytes string  Any bytes.", returns = "string  The text.",
        example = [[local image = aikit.crypto.base64_encode(aikit.http.get("https://api.example/logo.png").body)]],
      },
      {
        "base64_decode", "Reads base64, of either alphabet, with or without padding; all else is an error.",
        "text string  The text.", returns = "string  The bytes.",
      },
      {
        "base64url_encode", "Writes bytes as base64 with the alphabet of URLs, without padding.", "bytes string  Any bytes.",
        returns = "string  The text.",
      },
      {
        "hex_encode", "Writes bytes as hexadecimal digits in lower case.", "bytes string  Any bytes.",
        returns = "string  The text.",
      },
      {
        "hex_decode", "Reads hexadecimal digits; all else is an error.", "text string  The text.",
        returns = "string  The bytes.",
      },
      sha256, digest("sha384", "The SHA-384 digest of bytes."), digest("sha512", "The SHA-512 digest of bytes."),
      digest("sha1", "The SHA-1 digest of bytes, for what still asks for it."),
      digest("md5", "The MD5 digest of bytes, for what still asks for it."),
      {
        "hmac", "The keyed digest of bytes.", 'algorithm "sha256"|"sha384"|"sha512"|"sha1"|"md5"  The digest.',
        "key string|aikit.Secret  Any bytes; the host puts a secret in.", "bytes string  Any bytes.", FORM,
        returns = "string  The digest.",
        example = [[local signature = aikit.crypto.hmac("sha256", aikit.secret "WEBHOOK_KEY", body)]],
      },
      {
        "random_bytes", "Bytes of chance, by the run's seed: the same when a step is run again after a crash, so no keys.",
        "count integer  How many, at most 1 MiB.", returns = "string  The bytes.",
      },
      {
        "equal", "Whether two strings are equal, in a time that does not tell where they differ.", "a string  One.",
        "b string  The other, such as what somebody sent.", returns = "boolean  Whether they are.",
      },
    },
  },
  {
    name = "aikit.csv", text = "Tables as text with separators (RFC 4180).",
    functions = {
      {
        "parse", "All rows of a text; what is wrong in it is an error with the code `invalid_csv` and its line.", "text string  The text.",
        "options? aikit.CsvOptions  Header, separator.", returns = "any[]  Lists of texts, or tables by the header's names.",
        example = [[local stations = aikit.csv.parse("name,city\nA,Nantes\n", { header = true })]],
      },
      {
        "rows", "Iterates over the rows, also of a source that gives its text in pieces.",
        "source string|fun(): string?  The text, or what gives it: `answer:chunks()`.", "options? aikit.CsvOptions  Header, separator.",
        returns = "fun(): any  For a loop.",
      },
      {
        "format", "Writes rows as text.", "rows any[]  Lists, or tables whose keys are the columns; one or the other in all of them.",
        "options? aikit.CsvFormat  Columns, separator, line ends.", returns = "string  The text.",
        example = [[local text = aikit.csv.format({ { name = "Ada", age = 36 } }, { columns = { "name", "age" } })]],
      },
    },
  },
  {
    name = "aikit.CsvOptions", text = "How rows are read.",
    fields = {
      "header? boolean  Whether the first row names the fields, each by another name; rows are then tables.",
      "separator? string  One character; a comma unless given.",
    },
  },
  {
    name = "aikit.CsvFormat", text = "How rows are written.",
    fields = {
      "columns? string[]  The keys of rows that are tables, which make the first row; the sorted keys of all unless given.",
      "separator? string  One character; a comma unless given.", "line_end? string  CR LF unless given.",
    },
  },
  {
    name = "aikit.text", text = "Texts with values in them.",
    functions = {
      {
        "template", "Fills values into a template: `{{order.total}}`, `{{#lines}}{{.}}{{/lines}}`, `{{^lines}}none{{/lines}}`.",
        "source string  The template.", "values? table  The values.",
        returns = "string|fun(values: table): string  The text; without values, what makes it.",
        example = [[local mail = aikit.text.template("Hello {{name}}, {{count}} new", { name = "Ada", count = 2 })]],
      },
    },
  },
}
