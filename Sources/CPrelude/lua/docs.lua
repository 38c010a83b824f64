-- What the library offers, as data: editor stubs and the reference are made from it, and a test compares it with what
-- is really there. Loaded only when one of them is asked for.
--
-- Each section describes one table or class:
--   name, text       what it is called in Lua or by the editor, and what it is for
--   instance         how the reference writes a value of it: `context`, `workflow`
--   fields           "name type  text", where a name that ends in "?" may be left out
--   functions        { "name", "text", "parameter type  text"…, returns = "type  text", example = "…" }
--   methods          the same, called with a colon
--   aliases          "name type  text"
local _, part = ...

local sections = {}
local parts = {
  "docs_aikit", "docs_triggers", "docs_workflow", "docs_context", "docs_nodes", "docs_agents", "docs_host",
  "docs_modules", "docs_schema",
}
for _, name in ipairs(parts) do
  for _, section in ipairs(part(name)) do sections[#sections + 1] = section end
end
return sections
