// Names the place in which a coroutine cannot be suspended (rule 10), so that the error says what to change.
#include <stdio.h>

#include "internal.h"

/// Further down nothing is looked for.
#define LEVELS_LOOKED_AT 200

static const struct {
    const char *function, *place;
} places[] = {
    {"table.sort", "a comparator of table.sort"},
    {"string.gsub", "a replacement function of string.gsub"},
    {"require", "the top level of a module"},
    {"load", "a reader function of load"},
    {"tostring", "a __tostring metamethod"},
    {"print", "a __tostring metamethod"},
    {"string.format", "a __tostring metamethod"},
    {"pairs", "a __pairs metamethod"},
    {"error", "a message handler of xpcall"},
    {"xpcall", "a message handler of xpcall"},
};

/// Whether the coroutine can be suspended through this function, so that it is not the one that stands in the way.
static bool is_transparent(const char *name) {
    return strcmp(name, "pcall") == 0 || strncmp(name, "coroutine.", 10) == 0 || strncmp(name, "aikit", 5) == 0;
}

void describe_place(lua_State *co, lua_State *L, char *text, size_t size) {
    if (has_mark(co, MARK_CLOSING)) {
        snprintf(text, size, "a __close metamethod of a coroutine that is being closed");
        return;
    }
    lua_Debug frame;
    snprintf(text, size, "this place");
    if (!lua_checkstack(co, 4)) return;
    // lua_getstack walks from the top each time.
    for (int level = 0; level < LEVELS_LOOKED_AT && lua_getstack(co, level, &frame); level++) {
        lua_getinfo(co, "Sf", &frame);
        const char *name = NULL;
        if (frame.what[0] == 'C') {
            lua_rawgeti(co, LUA_REGISTRYINDEX, vm_of(L)->names);
            lua_insert(co, -2);
            lua_rawget(co, -2);
            name = lua_tostring(co, -1);
            lua_pop(co, 1);
        }
        lua_pop(co, 1);
        if (!name || is_transparent(name)) continue;
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            if (strcmp(places[i].function, name) != 0) continue;
            snprintf(text, size, "%s", places[i].place);
            return;
        }
        snprintf(text, size, "a function called by %s", name);
        return;
    }
}
