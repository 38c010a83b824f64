local aikit = require "aikit"

return aikit.workflow { id = "mailbox", ctx = { seen = 0 } }
  :step {
    id = "fetch",
    handler = function(page)
      return { letters = { page.from, page.from + 1 }, from = page.from + 2 }
    end,
  }
  :step {
    id = "sort",
    handler = function(page, context)
      context:update_ctx(function(ctx) ctx.seen = ctx.seen + #page.letters; return ctx end)
      if page.from < 7 then context:restart { from = page.from } end
      return { seen = context.ctx.seen }
    end,
  }
  :commit()
