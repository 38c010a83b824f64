local aikit = require "aikit"

return aikit.workflow { id = "oops" }
  :step { id = "hello", handlr = function(input) return input end }
  :branch { id = "way", resolve = function() return "left" end, cases = {} }
  :step { id = "hello", handler = function(input) return input end, next = "bye" }
  :commit()
