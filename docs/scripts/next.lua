local aikit = require "aikit"

return aikit.workflow { id = "guess" }
  :step { id = "start", handler = function(input) return { low = 1, high = 100, secret = input.secret, tries = 0 } end }
  :step {
    id = "guess",
    handler = function(state)
      state.middle = (state.low + state.high) // 2
      state.tries = state.tries + 1
      if state.middle < state.secret then state.low = state.middle + 1 else state.high = state.middle end
      return state
    end,
    next = function(state) return state.low < state.high and "guess" or "answer" end,
  }
  :step { id = "unreachable", handler = function() error "nobody comes here" end }
  :step { id = "answer", handler = function(state) return { number = state.low, tries = state.tries } end }
  :commit()
