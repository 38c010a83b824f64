-- What schemas call secret in the answers of models and in what tools get and give, for whoever tells of them.
local _, part = ...
local ipairs, next, pairs, type = ipairs, next, pairs, type

local secret_schemas = {}

--- Whether plain JSON Schema calls something secret.
local function has_secrets(schema)
  if type(schema) ~= "table" then return false end
  if schema.writeOnly == true then return true end
  for _, value in pairs(schema) do
    if has_secrets(value) then return true end
  end
  return false
end

--- A schema as plain JSON Schema; nil for none, and where nothing in it is secret.
local function exported(schema)
  local plain = schema and part "schema_export"(schema)
  return has_secrets(plain) and plain or nil
end

--- `{ name, schema }` of a tool's arguments; nil for nothing secret.
function secret_schemas.of_tool(tool)
  local schema = exported(tool.schema)
  return schema and { name = tool.id, schema = schema }
end

--- What is secret in answers: `{ answer?, wraps?, tools? }`; nil for nothing.
--
-- @param schema of the answer; nil for none
-- @param format how it is asked for
-- @param tools the script's own
function secret_schemas.of_answers(schema, format, tools)
  local found = { answer = exported(schema) }
  if found.answer and format.wraps then found.wraps = true end
  for _, tool in ipairs(tools) do
    local own = secret_schemas.of_tool(tool)
    if own then
      found.tools = found.tools or {}
      found.tools[#found.tools + 1] = own
    end
  end
  return next(found) and found
end

--- The same, with the tools that servers offer besides: `{ name, schema, … }` each.
function secret_schemas.with_served(found, served)
  local list = {}
  for _, tool in ipairs(served or {}) do
    if has_secrets(tool.schema) then list[#list + 1] = { name = tool.name, schema = tool.schema } end
  end
  if not list[1] then return found end
  for _, tool in ipairs(found and found.tools or {}) do list[#list + 1] = tool end
  return { answer = found and found.answer, wraps = found and found.wraps, tools = list }
end

--- The schema of what a server's tool gives, where something in it is secret.
function secret_schemas.of_result(schema) return has_secrets(schema) and schema or nil end

return secret_schemas
