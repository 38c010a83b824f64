#include "internal.h"

const char *lb_lua_ident(void)
{
    return lua_ident;
}
