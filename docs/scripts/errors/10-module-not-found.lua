-- A module is not there
local aikit = require "aikit"
local format = require "lib.format"
return aikit.workflow { id = "report" }:step { id = "write", handler = format.write }:commit()
