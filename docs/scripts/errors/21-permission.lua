-- The script may not do what it tries
local aikit = require "aikit"
return aikit.workflow { id = "news" }
  :step { id = "fetch", handler = function() return aikit.http.get("https://news.example/v1"):json() end }
  :commit()
