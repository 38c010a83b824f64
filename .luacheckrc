-- The Lua that ships, and its tests.
std = "lua54"
max_line_length = 120
exclude_files = { ".build", "lua_modules" }
