// The tables of `context.store`. A look gives a table of the script's own, which the call remembers with the bytes that it
// stands for; where the script has changed it by the time the call waits or ends, its value is stored like one that is assigned.
//
// What a call remembers is a table in the registry, made by the first look: under a key of the store the place of three items,
// which are the key, the script's table and the bytes; at OUTDATED the tables whose value another step has replaced since.
#include "internal.h"

enum { KEY, TABLE, BYTES, ITEMS };
/// A table with weak keys: a script's table to a list of its key and its bytes.
#define OUTDATED 0

/// What the run has stored under a key, without what the call that runs has changed.
static lb_slice stored(const lb_context *context, const char *key, size_t length) {
    if (context->find_store && context->store_count > LB_STORE_UNINDEXED)
        return context->find_store(context, (const uint8_t *)key, length);
    for (uint32_t i = 0; i < context->store_count; i++) {
        const lb_store_entry *entry = &context->store[i];
        if (entry->key.length == length && memcmp(context->arena->data + entry->key.offset, key, length) == 0)
            return entry->value;
    }
    return (lb_slice){0, 0};
}

static const uint8_t *current(
    lua_State *L, const lb_context *context, const char *key, size_t key_length, size_t *length) {
    const uint8_t *value;
    if (effects_find(L, context, LB_EFFECT_STORE, key, key_length, &value, length)) return *length ? value : NULL;
    lb_slice slice = stored(context, key, key_length);
    *length = slice.length;
    return slice.length && context->arena ? context->arena->data + slice.offset : NULL;
}

static bool is_null(lua_State *L, int index) {
    return lua_islightuserdata(L, index) && lua_touserdata(L, index) == &null_address;
}

static bool same(lua_State *L, int index, const uint8_t *at, int depth);

static size_t size_of(const uint8_t *at) {
    switch (*at) {
    case TAG_INT:
    case TAG_DOUBLE: return 9;
    case TAG_STRING: return 5 + (size_t)get_u32(at + 1);
    case TAG_ARRAY:
    case TAG_OBJECT: return 9 + (size_t)get_u32(at + 5);
    default: return 1;
    }
}

/// Whether the table has as many fields as that, nulls aside.
static bool has_count(lua_State *L, int table, size_t count) {
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (is_null(L, -1) && lua_type(L, -2) == LUA_TSTRING) continue;
        if (count-- == 0) {
            lua_pop(L, 2);
            return false;
        }
    }
    return count == 0;
}

/// Compares a list whose items come in order, as a decoded one does; -1 where they do not.
static int same_items(lua_State *L, int table, const uint8_t *item, uint32_t count, int depth) {
    int top = lua_gettop(L), equal = 1;
    uint32_t index = 0;
    lua_pushnil(L);
    while (equal == 1 && lua_next(L, table)) {
        if (!lua_isinteger(L, top + 1) || lua_tointeger(L, top + 1) != (lua_Integer)index + 1) equal = -1;
        else if (index == count || !same(L, top + 2, item, depth + 1)) equal = 0;
        else item += size_of(item), index++;
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
    return equal == 1 && index < count ? 0 : equal;
}

static bool same_table(lua_State *L, int table, const uint8_t *at, int depth) {
    if (depth >= MAX_DEPTH) return false;
    luaL_checkstack(L, 6, NULL);
    bool marked = false;
    if (lua_getmetatable(L, table)) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->array_metatable);
        marked = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
        if (!marked) {
            if (!push_readonly_original(L, table)) return false;
            bool equal = same_table(L, lua_gettop(L), at, depth + 1);
            lua_pop(L, 1);
            return equal;
        }
    }
    uint32_t count = *at == TAG_EMPTY ? 0 : get_u32(at + 1);
    const uint8_t *item = at + 9;
    switch (*at) {
    case TAG_EMPTY: return !marked && has_count(L, table, 0);
    case TAG_ARRAY: {
        if (count == 0 && !marked) return false;
        int equal = same_items(L, table, item, count, depth);
        if (equal >= 0) return equal;
        for (uint32_t i = 1; i <= count; i++, item += size_of(item)) {
            lua_rawgeti(L, table, i);
            bool is_same = same(L, lua_gettop(L), item, depth + 1);
            lua_pop(L, 1);
            if (!is_same) return false;
        }
        return has_count(L, table, count);
    }
    case TAG_OBJECT: {
        if (marked) return false;
        size_t fields = 0;
        for (uint32_t i = 0; i < count; i++, item += size_of(item)) {
            uint32_t length = get_u32(item);
            const char *key = (const char *)item + 4;
            item += 4 + (size_t)length;
            if (*item == TAG_NULL) continue;
            fields++;
            lua_pushlstring(L, key, length);
            lua_rawget(L, table);
            bool equal = same(L, lua_gettop(L), item, depth + 1);
            lua_pop(L, 1);
            if (!equal) return false;
        }
        return has_count(L, table, fields);
    }
    default: return false;
    }
}

/// Whether encoding the value would give what the bytes say, the order of fields aside. RAISES.
static bool same(lua_State *L, int index, const uint8_t *at, int depth) {
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN: return *at == (lua_toboolean(L, index) ? TAG_TRUE : TAG_FALSE);
    case LUA_TLIGHTUSERDATA: return *at == TAG_NULL && is_null(L, index);
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            lua_Integer integer = lua_tointeger(L, index);
            return *at == TAG_INT && memcmp(at + 1, &integer, 8) == 0;
        } else {
            double number = lua_tonumber(L, index);
            return *at == TAG_DOUBLE && memcmp(at + 1, &number, 8) == 0;
        }
    case LUA_TSTRING: {
        size_t length;
        const char *text = lua_tolstring(L, index, &length);
        return *at == TAG_STRING && get_u32(at + 1) == length && memcmp(at + 5, text, length) == 0;
    }
    case LUA_TTABLE: return same_table(L, index, at, depth);
    default: return false;
    }
}

/// Remembers that the table at `index` stands for the key's bytes, in place of what did before.
static void remember(
    lua_State *L, lb_thread *thread, const char *key, size_t key_length, int index, const uint8_t *value, size_t length) {
    index = lua_absindex(L, index);
    if (!thread->kept) {
        lua_newtable(L);
        thread->kept = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, thread->kept);
    int kept = lua_gettop(L);
    lua_pushlstring(L, key, key_length);
    lua_pushvalue(L, -1);
    lua_Integer place = lua_rawget(L, kept) == LUA_TNIL ? (lua_Integer)lua_rawlen(L, kept) + 1 : lua_tointeger(L, -1);
    lua_pop(L, 1);
    // In an order in which no want of memory leaves a place half filled.
    lua_pushlstring(L, (const char *)value, length);
    lua_pushvalue(L, -2);
    lua_rawseti(L, kept, place + KEY);
    lua_pushvalue(L, index);
    lua_rawseti(L, kept, place + TABLE);
    lua_rawseti(L, kept, place + BYTES);
    lua_pushinteger(L, place);
    lua_rawset(L, kept);
    lua_settop(L, kept - 1);
}

/// Stores what has become of a table: the key, the table and the bytes are at `first` and the two places above. Puts the new
/// bytes in the place of the old ones. Whether it had changed.
static bool store_changed(lua_State *L, const lb_context *context, int first) {
    const uint8_t *bytes = (const uint8_t *)lua_tostring(L, first + BYTES);
    if (!lua_istable(L, first + TABLE) || !bytes || same_table(L, first + TABLE, bytes, 0)) return false;
    size_t key_length, length;
    const char *key = lua_tolstring(L, first + KEY, &key_length);
    lua_pushfstring(L, "context.store.%s", key);
    effects_add(L, context, LB_EFFECT_STORE, key, key_length, first + TABLE, lua_tostring(L, -1));
    const uint8_t *value = current(L, context, key, key_length, &length);
    lua_pushlstring(L, value ? (const char *)value : "", value ? length : 0);
    lua_replace(L, first + BYTES);
    lua_pop(L, 1);
    return true;
}

/// Pushes what is remembered of a place of the table at `kept`.
static int push_items(lua_State *L, int kept, lua_Integer place) {
    for (int item = KEY; item < ITEMS; item++) lua_rawgeti(L, kept, place + item);
    return lua_gettop(L) - ITEMS + 1;
}

/// Lets the table whose three items are at `first` be looked after for as long as the script has it.
static void outdate(lua_State *L, int kept, int first) {
    if (lua_rawgeti(L, kept, OUTDATED) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_createtable(L, 0, 1);
        lua_pushliteral(L, "k");
        lua_setfield(L, -2, "__mode");
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_rawseti(L, kept, OUTDATED);
    }
    lua_pushvalue(L, first + TABLE);
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, first + KEY);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, first + BYTES);
    lua_rawseti(L, -2, 2);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/// Pushes the table that the call has for the key, if it still stands for what the store has; else pushes nothing.
static bool push_remembered(lua_State *L, const lb_context *context, lb_thread *thread, const char *key, size_t key_length) {
    if (!thread->kept) return false;
    luaL_checkstack(L, 12, NULL);
    int top = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, thread->kept);
    lua_pushlstring(L, key, key_length);
    if (lua_rawget(L, top + 1) != LUA_TNUMBER) {
        lua_settop(L, top);
        return false;
    }
    lua_Integer place = lua_tointeger(L, -1);
    int first = push_items(L, top + 1, place);
    size_t length, known;
    const char *bytes = lua_tolstring(L, first + BYTES, &known);
    const uint8_t *value = current(L, context, key, key_length, &length);
    bool is_current = lua_istable(L, first + TABLE) && bytes && value && known == length && memcmp(bytes, value, length) == 0;
    if (!is_current && lua_istable(L, first + TABLE) && bytes) {
        // Another step was faster. What this one has written since comes after that, as if it had been assigned.
        is_current = store_changed(L, context, first);
        if (is_current) {
            lua_pushvalue(L, first + BYTES);
            lua_rawseti(L, top + 1, place + BYTES);
        } else {
            outdate(L, top + 1, first);
        }
    }
    lua_pushvalue(L, first + TABLE);
    lua_replace(L, top + 1);
    lua_settop(L, is_current ? top + 1 : top);
    return is_current;
}

void store_push(lua_State *L, const lb_context *context, lb_thread *thread, const char *key, size_t key_length) {
    if (push_remembered(L, context, thread, key, key_length)) return;
    size_t length;
    const uint8_t *value = current(L, context, key, key_length, &length);
    if (!value) {
        lua_pushnil(L);
        return;
    }
    decode_value(L, value, length);
    if (!lua_istable(L, -1)) return;
    // Decoding adds no effects, so the bytes are where they were.
    remember(L, thread, key, key_length, -1, value, length);
}

void store_assign(lua_State *L, const lb_context *context, lb_thread *thread, const char *key, size_t key_length, int index) {
    lua_pushfstring(L, "context.store.%s", key);
    effects_add(L, context, LB_EFFECT_STORE, key, key_length, lua_isnil(L, index) ? 0 : index, lua_tostring(L, -1));
    lua_pop(L, 1);
    if (lua_istable(L, index)) {
        size_t length;
        const uint8_t *value = current(L, context, key, key_length, &length);
        if (value) remember(L, thread, key, key_length, index, value, length);
    } else if (thread->kept) {
        // What is remembered of the key counts no more; its place is used again.
        lua_rawgeti(L, LUA_REGISTRYINDEX, thread->kept);
        lua_pushlstring(L, key, key_length);
        if (lua_rawget(L, -2) == LUA_TNUMBER) {
            lua_Integer place = lua_tointeger(L, -1);
            lua_pushboolean(L, 0);
            lua_rawseti(L, -3, place + TABLE);
        }
        lua_pop(L, 2);
    }
}

void store_flush(lua_State *L, lb_thread *thread) {
    if (!thread->kept || !thread->context) return;
    luaL_checkstack(L, 16, NULL);
    int top = lua_gettop(L), kept = top + 1;
    lua_rawgeti(L, LUA_REGISTRYINDEX, thread->kept);
    // Tables that are out of date come first: what is written to the others is newer.
    if (lua_rawgeti(L, kept, OUTDATED) == LUA_TTABLE) {
        int outdated = kept + 1;
        for (lua_pushnil(L); lua_next(L, outdated); lua_settop(L, outdated + 1)) {
            int pair = outdated + 2, first = pair + 1;
            lua_rawgeti(L, pair, 1);
            lua_pushvalue(L, outdated + 1);
            lua_rawgeti(L, pair, 2);
            if (!store_changed(L, thread->context, first)) continue;
            lua_pushvalue(L, first + BYTES);
            lua_rawseti(L, pair, 2);
        }
    }
    lua_settop(L, kept);
    lua_Integer end = (lua_Integer)lua_rawlen(L, kept);
    for (lua_Integer place = 1; place <= end; place += ITEMS) {
        int first = push_items(L, kept, place);
        if (store_changed(L, thread->context, first)) {
            lua_pushvalue(L, first + BYTES);
            lua_rawseti(L, kept, place + BYTES);
        }
        lua_settop(L, kept);
    }
    lua_settop(L, top);
}
