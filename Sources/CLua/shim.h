// The one place that names Lua's headers; which Lua is found is pkg-config's decision.
#include <lua.h>
#include <lualib.h>
#include <lauxlib.h>
