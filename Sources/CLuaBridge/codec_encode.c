// Lua to flat value (rule 2): raw access only, so no metamethod of the script runs; depth and size capped. It raises nothing:
// what cannot be encoded is described in vm->message with the path to it, such as `output.items[3].price`.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

/// One table on the way from the root; `key` is the stack index of the key that is being encoded.
typedef struct frame {
    struct frame *parent;
    int table, key;
} frame;

typedef struct encoder {
    lua_State *L;
    lb_vm *vm;
    lb_bytes *out;
    /// Where the next byte goes, and the end of the room; out->count is set when the encoding ends.
    uint8_t *to, *end;
    size_t start;
    const char *root;
    /// Whether strings may be any bytes, as in payloads that never become JSON; else they are UTF-8.
    bool takes_bytes;
} encoder;

static inline size_t position(const encoder *e) { return (size_t)(e->to - e->out->data); }

#define LONGEST_PATH 160
/// A path that may still grow by one key, and the dots of a cut one.
#define PATH_ROOM (LONGEST_PATH + 96)

/// Writes the root of the path, of which the script may have said a part of any length; returns its length, which is above
/// LONGEST_PATH where it was cut.
static size_t write_root(const encoder *e, char *text) {
    size_t length = strlen(e->root);
    if (length > LONGEST_PATH + 4) length = utf8_prefix((const uint8_t *)e->root, LONGEST_PATH + 4);
    memcpy(text, e->root, length);
    text[length] = 0;
    return length;
}

/// Writes the path of the value below `at`, cut when it is long; returns its length. The size is PATH_ROOM.
static size_t write_path(encoder *e, const frame *at, char *text, size_t size) {
    size_t used = at ? write_path(e, at->parent, text, size) : write_root(e, text);
    if (used > LONGEST_PATH) {
        if (strcmp(text + used - 3, "...") != 0) used += (size_t)snprintf(text + used, size - used, "...");
        return used;
    }
    if (!at) return used;
    char *end = text + used;
    size_t left = size - used;
    if (lua_isinteger(e->L, at->key)) {
        used += (size_t)snprintf(end, left, "[%lld]", (long long)lua_tointeger(e->L, at->key));
    } else if (lua_type(e->L, at->key) == LUA_TSTRING) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
        const char *key = lua_tostring(e->L, at->key);
        bool simple = *key && strspn(key, plain) == strlen(key);
        used += (size_t)snprintf(end, left, simple ? ".%.60s" : "[\"%.60s\"]", key);
    }
    return used;
}

__attribute__((format(printf, 3, 4), noinline, cold))
static bool refuse(encoder *e, const frame *at, const char *format, ...) {
    char path[PATH_ROOM];
    write_path(e, at, path, sizeof path);
    int used = snprintf(e->vm->message, sizeof e->vm->message, "%s ", path);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(e->vm->message + used, sizeof e->vm->message - (size_t)used, format, arguments);
    va_end(arguments);
    e->out->count = e->start;
    return false;
}

/// Copies a key or a string. Most are short, and two moves that overlap are cheaper than a call.
static inline void copy_text(uint8_t *to, const char *from, size_t length) {
    if (likely(length <= 16)) {
        uint64_t first, last;
        uint32_t head, tail;
        if (length >= 8) {
            memcpy(&first, from, 8);
            memcpy(&last, from + length - 8, 8);
            memcpy(to, &first, 8);
            memcpy(to + length - 8, &last, 8);
        } else if (length >= 4) {
            memcpy(&head, from, 4);
            memcpy(&tail, from + length - 4, 4);
            memcpy(to, &head, 4);
            memcpy(to + length - 4, &tail, 4);
        } else if (length > 0) {
            to[0] = (uint8_t)from[0];
            to[length / 2] = (uint8_t)from[length / 2];
            to[length - 1] = (uint8_t)from[length - 1];
        }
        return;
    }
    memcpy(to, from, length);
}

/// Makes room for `extra` bytes, or says why there is none.
__attribute__((noinline, cold))
static bool make_room(encoder *e, const frame *at, size_t extra) {
    size_t used = position(e);
    if (used - e->start + extra > MAX_VALUE_BYTES)
        return refuse(e, at, "makes the value larger than %d MiB, the limit of one value", (int)(MAX_VALUE_BYTES >> 20));
    e->out->count = used;
    if (!bytes_grow(e->out, extra)) return refuse(e, at, "cannot be encoded: not enough memory");
    e->to = e->out->data + used;
    e->end = e->out->data + e->out->capacity;
    return true;
}

#define RESERVE(n) \
    if (unlikely((size_t)(e->end - e->to) < (size_t)(n)) && !make_room(e, at, (n))) return false

static bool encode_table(encoder *e, int table, frame *parent, int depth);

/// What a value that is no container takes at most, a string's bytes aside.
#define SCALAR 9

/// Appends the value of that type at the absolute index; there is room for SCALAR bytes.
static inline bool encode_typed(encoder *e, int index, int type, frame *at, int depth) {
    lua_State *L = e->L;
    uint8_t *to = e->to;
    switch (type) {
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            int64_t integer = lua_tointeger(L, index);
            to[0] = TAG_INT;
            memcpy(to + 1, &integer, 8);
        } else {
            double number = lua_tonumber(L, index);
            if (unlikely(!isfinite(number)))
                return refuse(e, at, isnan(number) ? "is not a number (NaN)" : "is infinite");
            to[0] = TAG_DOUBLE;
            memcpy(to + 1, &number, 8);
        }
        e->to = to + 9;
        return true;
    case LUA_TSTRING: {
        size_t length;
        const char *text = lua_tolstring(L, index, &length);
        RESERVE(5 + length);
        if (unlikely(!utf8_valid((const uint8_t *)text, length)) && !e->takes_bytes) return refuse(e, at, "is not valid UTF-8");
        to = e->to;
        to[0] = TAG_STRING;
        put_u32(to + 1, (uint32_t)length);
        copy_text(to + 5, text, length);
        e->to = to + 5 + length;
        return true;
    }
    case LUA_TBOOLEAN:
        *e->to++ = lua_toboolean(L, index) ? TAG_TRUE : TAG_FALSE;
        return true;
    case LUA_TTABLE: return encode_table(e, index, at, depth);
    case LUA_TNIL:
    case LUA_TNONE: *e->to++ = TAG_NULL; return true;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index) != &null_address) return refuse(e, at, "is a userdata, which JSON cannot hold");
        *e->to++ = TAG_NULL;
        return true;
    default: return refuse(e, at, "is a %s, which JSON cannot hold", lua_typename(L, type));
    }
}

static inline bool encode(encoder *e, int index, frame *at, int depth) {
    RESERVE(SCALAR);
    return encode_typed(e, index, lua_type(e->L, index), at, depth);
}

/// Says what is wrong with a value that is too deep: it contains itself, or it is just deep.
static bool refuse_deep(encoder *e, int table, frame *at) {
    const void *address = lua_topointer(e->L, table);
    const frame *outer = NULL, *inner = NULL;
    for (const frame *f = at; f; f = f->parent) {
        if (lua_topointer(e->L, f->table) != address) continue;
        inner = outer;
        outer = f;
    }
    if (!outer) return refuse(e, NULL, "is nested more than %d levels deep", MAX_DEPTH);
    char path[PATH_ROOM];
    write_path(e, outer->parent, path, sizeof path);
    return refuse(e, inner ? inner->parent : at, "is the same table as %s, which contains it: a cycle", path);
}

static void close_container(encoder *e, size_t start, uint8_t tag, uint32_t count) {
    uint8_t *to = e->out->data + start;
    to[0] = tag;
    put_u32(to + 1, count);
    put_u32(to + 5, (uint32_t)(position(e) - start - 9));
}

/// A list whose keys do not come in order (part of it lies in the table's hash): count them, then go by index.
static bool encode_unordered(encoder *e, int table, frame *at, size_t start, int depth) {
    lua_State *L = e->L;
    lua_Integer count = 0, highest = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), count++) {
        if (!lua_isinteger(L, -2)) {
            const char *kind = lua_type(L, -2) == LUA_TSTRING ? NULL : lua_typename(L, lua_type(L, -2));
            if (kind && lua_type(L, -2) == LUA_TNUMBER) kind = "fractional number";
            if (kind) return refuse(e, at->parent, "has a key that is a %s; keys are strings, or 1..n", kind);
            return refuse(e, at->parent, "mixes list items and named fields (field \"%.60s\")", lua_tostring(L, -2));
        }
        if (lua_tointeger(L, -2) < 1)
            return refuse(e, at->parent, "has the key %lld; a list starts at 1", (long long)lua_tointeger(L, -2));
        if (lua_tointeger(L, -2) > highest) highest = lua_tointeger(L, -2);
    }
    if (highest != count) {
        lua_Integer missing = 1;
        while (lua_rawgeti(L, table, missing) != LUA_TNIL) lua_pop(L, 1), missing++;
        lua_pop(L, 1);
        return refuse(e, at->parent, "is a list with holes: item %lld is missing, but there is an item %lld",
                      (long long)missing, (long long)highest);
    }
    e->to = e->out->data + start + 9;
    lua_pushnil(L);
    at->key = lua_gettop(L);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_pushinteger(L, i);
        lua_replace(L, at->key);
        lua_rawgeti(L, table, i);
        if (!encode(e, at->key + 1, at, depth + 1)) return false;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    close_container(e, start, TAG_ARRAY, (uint32_t)count);
    return true;
}

static bool encode_table(encoder *e, int table, frame *parent, int depth) {
    lua_State *L = e->L;
    const frame *at = parent;
    if (unlikely(depth >= MAX_DEPTH)) return refuse_deep(e, table, parent);
    if (unlikely(!lua_checkstack(L, 6))) return refuse(e, parent, "cannot be encoded: stack overflow");
    // A shared table may be met exponentially often: the size is bounded, but stop at once when told to.
    if (unlikely(e->vm->interrupting)) return refuse(e, parent, "was not encoded: interrupted");
    int top = lua_gettop(L);
    bool marked = false;
    if (lua_getmetatable(L, table)) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, e->vm->array_metatable);
        marked = lua_rawequal(L, -1, -2);
        lua_settop(L, top);
        if (!marked && push_readonly_original(L, table)) {
            bool ok = encode_table(e, top + 1, parent, depth);
            lua_settop(L, top);
            return ok;
        }
        if (!marked && is_protected(L, table)) {
            const char *name = luaL_getmetafield(L, table, "__name") == LUA_TSTRING ? lua_tostring(L, -1) : "library object";
            return refuse(e, parent, "is a %.60s, which JSON cannot hold", name);
        }
    }
    size_t start = position(e);
    RESERVE(64);
    e->to += 9;
    frame here = {parent, table, top + 1};
    uint32_t count = 0;
    lua_pushnil(L);
    if (!lua_next(L, table)) {
        if (marked) {
            close_container(e, start, TAG_ARRAY, 0);
        } else {
            e->out->data[start] = TAG_EMPTY;
            e->to = e->out->data + start + 1;
        }
        return true;
    }
    if (marked || lua_type(L, top + 1) != LUA_TSTRING) {
        do {
            // A list in the array part comes in order; anything else is looked at more closely.
            if (unlikely(!lua_isinteger(L, top + 1) || lua_tointeger(L, top + 1) != (lua_Integer)count + 1)) {
                lua_settop(L, top);
                return encode_unordered(e, table, &here, start, depth);
            }
            count++;
            if (unlikely(!encode(e, top + 2, &here, depth + 1))) return false;
            lua_settop(L, top + 1);
        } while (lua_next(L, table));
        close_container(e, start, TAG_ARRAY, count);
        return true;
    }
    do {
        if (unlikely(lua_type(L, top + 1) != LUA_TSTRING)) {
            if (lua_isinteger(L, top + 1))
                return refuse(e, parent, "mixes list items and named fields (item %lld)", (long long)lua_tointeger(L, top + 1));
            const char *kind = lua_type(L, top + 1) == LUA_TNUMBER ? "number" : lua_typename(L, lua_type(L, top + 1));
            return refuse(e, parent, "has a key that is a %s; keys are strings, or 1..n", kind);
        }
        // A null field is an absent key.
        int type = lua_type(L, top + 2);
        if (unlikely(type == LUA_TLIGHTUSERDATA) && lua_touserdata(L, top + 2) == &null_address) {
            lua_settop(L, top + 1);
            continue;
        }
        size_t length;
        const char *key = lua_tolstring(L, top + 1, &length);
        RESERVE(4 + length + SCALAR);
        if (unlikely(!utf8_valid((const uint8_t *)key, length))) return refuse(e, parent, "has a key that is not valid UTF-8");
        put_u32(e->to, (uint32_t)length);
        copy_text(e->to + 4, key, length);
        e->to += 4 + length;
        count++;
        if (unlikely(!encode_typed(e, top + 2, type, &here, depth + 1))) return false;
        lua_settop(L, top + 1);
    } while (lua_next(L, table));
    close_container(e, start, TAG_OBJECT, count);
    return true;
}

bool encode_value(lua_State *L, int index, lb_bytes *out, const char *root) {
    return encode_payload(L, index, out, root, false);
}

bool encode_payload(lua_State *L, int index, lb_bytes *out, const char *root, bool takes_bytes) {
    lb_vm *vm = vm_of(L);
    encoder encoder = {L, vm, out, out->data + out->count, out->data + out->capacity, out->count, root, takes_bytes};
    vm->message[0] = 0;
    int top = lua_gettop(L);
    bool ok;
    if (likely(lua_checkstack(L, 6))) ok = encode(&encoder, lua_absindex(L, index), NULL, 0);
    else ok = refuse(&encoder, NULL, "cannot be encoded: stack overflow");
    if (likely(ok)) {
        out->count = position(&encoder);
        if (unlikely(out->count - encoder.start > MAX_VALUE_BYTES))
            ok = refuse(&encoder, NULL, "is larger than %d MiB, the limit of one value", (int)(MAX_VALUE_BYTES >> 20));
    }
    lua_settop(L, top);
    return ok;
}
