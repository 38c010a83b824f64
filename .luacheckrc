-- The Lua that ships, and its tests.
std = "lua54"
max_line_length = 120
-- A line of documentation there is one line in the editor.
files["Sources/CPrelude/lua/docs_*.lua"] = { max_line_length = 140 }
-- The last are wrong on purpose.
exclude_files = { ".build", "lua_modules", "Tests/Fixtures/flow-check", "docs/scripts/errors" }
-- Test files see the library of tests as globals.
files["**/*_test.lua"] = {
  read_globals = { "describe", "it", "expect", "test", "before_all", "before_each", "after_all", "after_each" },
}
