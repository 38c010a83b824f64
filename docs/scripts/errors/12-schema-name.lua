-- A schema is misspelt
local aikit = require "aikit"
local s = aikit.schema
local city = s.object { name = s.string(), country = s.sting():length(2) }
return aikit.workflow { id = "cities", input_schema = city }:step { id = "a", handler = print }:commit()
