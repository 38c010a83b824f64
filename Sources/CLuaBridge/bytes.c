#include "lua_bridge.h"
