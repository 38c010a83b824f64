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

return secret_schemas
