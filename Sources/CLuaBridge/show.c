// Tables as print shows them: text like JSON, bounded in length, depth and entries, made with raw access only, so that no code of
// the script runs. Objects that name themselves keep their name.
#include <stdio.h>

#include "internal.h"

#define SHOWN_BYTES 2000
#define SHOWN_DEPTH 8
#define SHOWN_ENTRIES 50
#define CUT "…"

typedef struct writer {
    char text[SHOWN_BYTES + sizeof CUT];
    size_t used;
    /// Nothing more is written: the text has been cut.
    bool full;
} writer;

/// The tables around the one that is shown.
typedef struct outer {
    const struct outer *parent;
    const void *table;
    int depth;
} outer;

static void put(writer *w, const char *text, size_t length) {
    if (w->full) return;
    if (length > SHOWN_BYTES - w->used) {
        length = utf8_prefix((const uint8_t *)text, SHOWN_BYTES - w->used);
        memcpy(w->text + w->used, text, length);
        memcpy(w->text + w->used + length, CUT, sizeof CUT - 1);
        w->used += length + sizeof CUT - 1;
        w->full = true;
        return;
    }
    memcpy(w->text + w->used, text, length);
    w->used += length;
}

static void put_text(writer *w, const char *text) { put(w, text, strlen(text)); }

static void put_quoted(writer *w, const char *text, size_t length) {
    put_text(w, "\"");
    for (const char *end = text + length; text < end && !w->full; text++) {
        unsigned char byte = (unsigned char)*text;
        char escape[8];
        if (byte == '"' || byte == '\\') snprintf(escape, sizeof escape, "\\%c", byte);
        else if (byte == '\n') snprintf(escape, sizeof escape, "\\n");
        else if (byte == '\t') snprintf(escape, sizeof escape, "\\t");
        else if (byte < 0x20) snprintf(escape, sizeof escape, "\\u%04x", byte);
        else {
            size_t run = 1;
            while (text + run < end && (unsigned char)text[run] >= 0x20 && text[run] != '"' && text[run] != '\\') run++;
            put(w, text, run);
            text += run - 1;
            continue;
        }
        put_text(w, escape);
    }
    put_text(w, "\"");
}

/// The name of an object of the library, or of a script's class; NULL for a table that is plain data. Pushes nothing.
static const char *name_of(lua_State *L, int index) {
    int top = lua_gettop(L);
    const char *name = NULL;
    if (!lua_getmetatable(L, index)) return NULL;
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->array_metatable);
    if (!lua_rawequal(L, -1, top + 1)) {
        lua_pushliteral(L, "__name");
        if (lua_rawget(L, top + 1) != LUA_TSTRING) {
            lua_pushliteral(L, "__metatable");
            lua_rawget(L, top + 1);
        }
        // Kept by the metatable, which the value keeps.
        if (lua_type(L, -1) == LUA_TSTRING) name = lua_tostring(L, -1);
    }
    lua_settop(L, top);
    return name;
}

static bool is_array(lua_State *L, int index) {
    int top = lua_gettop(L);
    if (!lua_getmetatable(L, index)) return false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->array_metatable);
    bool equal = lua_rawequal(L, -1, -2);
    lua_settop(L, top);
    return equal;
}

/// A key that can be shown: a text, or an integer.
typedef struct shown_key {
    /// NULL for an integer. The stack keeps the text: a weak table may lose its key while others are shown.
    const char *text;
    size_t length;
    lua_Integer number;
} shown_key;

static int compare(const shown_key *left, const shown_key *right) {
    if (!left->text || !right->text) {
        if (left->text || right->text) return left->text ? 1 : -1;
        return left->number < right->number ? -1 : left->number > right->number;
    }
    size_t shorter = left->length < right->length ? left->length : right->length;
    int order = memcmp(left->text, right->text, shorter);
    return order ? order : left->length < right->length ? -1 : left->length > right->length;
}

/// Collects keys in order, as many as are shown, and pushes them in that order; whether there are others. RAISES.
static bool collect_keys(lua_State *L, int table, shown_key *keys, int *count) {
    bool others = false;
    luaL_checkstack(L, SHOWN_ENTRIES + 10, NULL);
    int first = lua_gettop(L) + 1;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        shown_key key = {0};
        if (lua_type(L, -2) == LUA_TSTRING) key.text = lua_tolstring(L, -2, &key.length);
        else if (lua_isinteger(L, -2)) key.number = lua_tointeger(L, -2);
        else {
            others = true;
            continue;
        }
        if (*count == SHOWN_ENTRIES) {
            lua_pop(L, 2);
            return true;
        }
        int at = (*count)++;
        for (; at > 0 && compare(&key, &keys[at - 1]) < 0; at--) keys[at] = keys[at - 1];
        keys[at] = key;
        lua_pushvalue(L, -2);
        lua_insert(L, first + at);
    }
    return others;
}

static void show(lua_State *L, int index, writer *w, const outer *around);

static void show_list(lua_State *L, int table, lua_Unsigned length, writer *w, const outer *around) {
    put_text(w, "[");
    for (lua_Unsigned i = 1; i <= length && i <= SHOWN_ENTRIES && !w->full; i++) {
        if (i > 1) put_text(w, ",");
        lua_rawgeti(L, table, (lua_Integer)i);
        show(L, lua_gettop(L), w, around);
        lua_pop(L, 1);
    }
    put_text(w, length > SHOWN_ENTRIES ? "," CUT "]" : "]");
}

static void show_fields(lua_State *L, int table, writer *w, const outer *around) {
    shown_key keys[SHOWN_ENTRIES];
    int count = 0;
    int top = lua_gettop(L);
    bool others = collect_keys(L, table, keys, &count);
    put_text(w, "{");
    for (int i = 0; i < count && !w->full; i++) {
        if (i > 0) put_text(w, ",");
        if (keys[i].text) {
            put_quoted(w, keys[i].text, keys[i].length);
        } else {
            char number[24];
            snprintf(number, sizeof number, "%lld", (long long)keys[i].number);
            put_quoted(w, number, strlen(number));
        }
        put_text(w, ":");
        lua_pushvalue(L, top + 1 + i);
        lua_rawget(L, table);
        show(L, lua_gettop(L), w, around);
        lua_pop(L, 1);
    }
    lua_settop(L, top);
    put_text(w, others ? count ? "," CUT "}" : CUT "}" : "}");
}

static void show_table(lua_State *L, int index, writer *w, const outer *around) {
    luaL_checkstack(L, 10, NULL);
    if (!push_readonly_original(L, index)) {
        const char *name = name_of(L, index);
        if (name) {
            put_text(w, "<");
            put_text(w, name);
            put_text(w, ">");
            return;
        }
        lua_pushvalue(L, index);
    }
    int table = lua_gettop(L);
    outer own = {around, lua_topointer(L, table), around ? around->depth + 1 : 0};
    for (const outer *at = around; at; at = at->parent) {
        if (at->table != own.table) continue;
        put_text(w, "<itself>");
        lua_pop(L, 1);
        return;
    }
    lua_Unsigned length = lua_rawlen(L, table);
    bool list = length > 0 || is_array(L, table);
    if (length > 0) {
        // A list whose other keys would go unseen is shown with all of them.
        lua_pushinteger(L, (lua_Integer)length);
        if (lua_next(L, table)) {
            list = false;
            lua_pop(L, 2);
        }
    }
    if (own.depth == SHOWN_DEPTH) put_text(w, list ? "[" CUT "]" : "{" CUT "}");
    else if (list) show_list(L, table, length, w, &own);
    else show_fields(L, table, w, &own);
    lua_pop(L, 1);
}

static void show(lua_State *L, int index, writer *w, const outer *around) {
    size_t length;
    const char *text;
    switch (lua_type(L, index)) {
    case LUA_TNIL: put_text(w, "null"); break;
    case LUA_TBOOLEAN: put_text(w, lua_toboolean(L, index) ? "true" : "false"); break;
    case LUA_TNUMBER:
        lua_pushvalue(L, index);
        text = lua_tolstring(L, -1, &length);
        put(w, text, length);
        lua_pop(L, 1);
        break;
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &length);
        put_quoted(w, text, length);
        break;
    case LUA_TTABLE: show_table(L, index, w, around); break;
    default:
        if (lua_islightuserdata(L, index) && lua_touserdata(L, index) == (void *)&null_address) {
            put_text(w, "null");
            break;
        }
        put_text(w, "<");
        put_text(w, lua_typename(L, lua_type(L, index)));
        put_text(w, ">");
    }
}

void push_shown(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (lua_istable(L, index)) {
        bool plain = push_readonly_original(L, index);
        if (plain) lua_pop(L, 1);
        else if (luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) lua_pop(L, 1);
        else plain = !name_of(L, index);
        if (plain) {
            writer w;
            w.used = 0;
            w.full = false;
            show_table(L, index, &w, NULL);
            lua_pushlstring(L, w.text, w.used);
            return;
        }
    }
    text_of(L, index, NULL);
}
