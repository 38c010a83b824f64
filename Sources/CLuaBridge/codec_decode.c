// Flat value to Lua (rule 2): raw access only, tables presized, depth capped, the stack checked at each level.
#include "internal.h"

const char null_address = 0;

typedef struct decoder {
    lua_State *L;
    lb_vm *vm;
    const uint8_t *end;
    /// The stack index of the table of cached keys.
    int keys;
} decoder;

static inline bool same_text(const char *a, const uint8_t *b, uint32_t length) {
    if (length >= 4 && length <= 16) {
        if (length < 8) {
            return ((get_u32((const uint8_t *)a) ^ get_u32(b)) |
                    (get_u32((const uint8_t *)a + length - 4) ^ get_u32(b + length - 4))) == 0;
        }
        uint64_t first[2], last[2];
        memcpy(&first[0], a, 8);
        memcpy(&first[1], b, 8);
        memcpy(&last[0], a + length - 8, 8);
        memcpy(&last[1], b + length - 8, 8);
        return ((first[0] ^ first[1]) | (last[0] ^ last[1])) == 0;
    }
    return memcmp(a, b, length) == 0;
}

/// Pushes a key. The keys of objects repeat from step to step, so short ones are kept: finding one again costs half of what
/// interning the bytes does.
static inline void push_key(decoder *d, const uint8_t *text, uint32_t length) {
    if (unlikely(length - 1 >= KEY_BYTES)) {
        lua_pushlstring(d->L, (const char *)text, length);
        return;
    }
    uint32_t hash = (length * 31 + text[0]) * 31 + text[length - 1] + text[length / 2] * 7u;
    uint32_t at = hash % KEY_COUNT;
    cached_key *cached = &d->vm->keys[at];
    if (likely(cached->length == length && same_text(cached->text, text, length))) {
        lua_rawgeti(d->L, d->keys, at + 1);
        return;
    }
    lua_pushlstring(d->L, (const char *)text, length);
    lua_pushvalue(d->L, -1);
    lua_rawseti(d->L, d->keys, at + 1);
    memcpy(cached->text, text, length);
    cached->length = (uint8_t)length;
}

static int malformed(lua_State *L) { return luaL_error(L, "the host sent a malformed value"); }

#define NEED(n) \
    if (unlikely((size_t)(d->end - at) < (size_t)(n))) malformed(d->L)

static const uint8_t *decode_container(decoder *d, const uint8_t *at, int depth);

/// Pushes the value at `at` and returns where it ends. A null is pushed as bridge.null: the caller knows better.
static inline const uint8_t *decode(decoder *d, const uint8_t *at, int depth) {
    lua_State *L = d->L;
    NEED(1);
    switch (*at) {
    case TAG_NULL: lua_pushlightuserdata(L, (void *)&null_address); return at + 1;
    case TAG_FALSE: lua_pushboolean(L, 0); return at + 1;
    case TAG_TRUE: lua_pushboolean(L, 1); return at + 1;
    case TAG_INT: {
        NEED(9);
        int64_t integer;
        memcpy(&integer, at + 1, 8);
        lua_pushinteger(L, integer);
        return at + 9;
    }
    case TAG_DOUBLE: {
        NEED(9);
        double number;
        memcpy(&number, at + 1, 8);
        lua_pushnumber(L, number);
        return at + 9;
    }
    case TAG_STRING: {
        NEED(5);
        uint32_t length = get_u32(at + 1);
        at += 5;
        NEED(length);
        lua_pushlstring(L, (const char *)at, length);
        return at + length;
    }
    case TAG_EMPTY: lua_createtable(L, 0, 0); return at + 1;
    default: return decode_container(d, at, depth);
    }
}

static const uint8_t *decode_container(decoder *d, const uint8_t *at, int depth) {
    lua_State *L = d->L;
    uint8_t tag = *at;
    if (unlikely(tag != TAG_ARRAY && tag != TAG_OBJECT)) malformed(L);
    NEED(9);
    uint32_t count = get_u32(at + 1);
    at += 9;
    // Each item takes a byte at least, so a wrong count cannot ask for a huge table.
    NEED(count);
    if (unlikely(depth >= MAX_DEPTH)) luaL_error(L, "the value is nested more than %d levels deep", MAX_DEPTH);
    if (unlikely(!lua_checkstack(L, 4))) luaL_error(L, "stack overflow (value too deep)");
    if (tag == TAG_ARRAY) {
        lua_createtable(L, (int)count, 0);
        for (uint32_t i = 1; i <= count; i++) {
            at = decode(d, at, depth + 1);
            lua_rawseti(L, -2, i);
        }
        lua_rawgeti(L, LUA_REGISTRYINDEX, d->vm->array_metatable);
        lua_setmetatable(L, -2);
        return at;
    }
    lua_createtable(L, 0, (int)count);
    for (uint32_t i = 0; i < count; i++) {
        NEED(4);
        uint32_t length = get_u32(at);
        at += 4;
        NEED((size_t)length + 1);
        // A null field is an absent key.
        if (unlikely(at[length] == TAG_NULL)) {
            at += length + 1;
            continue;
        }
        push_key(d, at, length);
        at = decode(d, at + length, depth + 1);
        lua_rawset(L, -3);
    }
    return at;
}

void push_keys(lua_State *L) { lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->keys_table); }

void decode_with_keys(lua_State *L, const uint8_t *at, size_t length, int keys) {
    if (length == 0 || *at == TAG_NULL) {
        lua_pushnil(L);
        return;
    }
    decoder d = {L, vm_of(L), at + length, keys};
    decode(&d, at, 0);
}

void decode_value(lua_State *L, const uint8_t *at, size_t length) {
    luaL_checkstack(L, 6, NULL);
    if (length == 0 || *at < TAG_ARRAY) {
        // Without objects no keys are needed.
        decode_with_keys(L, at, length, 0);
        return;
    }
    push_keys(L);
    decode_with_keys(L, at, length, lua_gettop(L));
    lua_remove(L, -2);
}
