-- A branch chooses a case that it does not have
-- $ aikit-lua run undeclared-case.lua --input '{"kind": "phone"}'
local aikit = require "aikit"
return aikit.workflow { id = "route" }
  :branch {
    id = "kind",
    resolve = function(message) return message.kind end,
    cases = { mail = { { id = "read", handler = function(message) return message end } } },
  }
  :commit()
