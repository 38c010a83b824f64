// The Lua half of the API, embedded as bytes.
