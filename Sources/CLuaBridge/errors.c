// Error objects: whatever a script raises becomes { code, message, retryable?, retry_after?, details?, where?, traceback? }.
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

#define HOST_CHUNK "=[aikit"
#define FRAMES_FIRST 12
#define LEVELS_FIRST 100
#define LEVELS_LAST 10
#define LONGEST_TRACEBACK 2000

static bool is_script(const lua_Debug *frame) {
    return frame->currentline > 0 && strncmp(frame->source, HOST_CHUNK, sizeof HOST_CHUNK - 1) != 0;
}

static const char *file_of(const lua_Debug *frame) {
    return frame->source[0] == '@' ? frame->source + 1 : frame->short_src;
}

/// The outermost level of a deep stack. lua_getstack walks from the top each time, so it is asked a few times only.
static int last_level(lua_State *L) {
    lua_Debug frame;
    int low = 1, high = 1;
    while (lua_getstack(L, high, &frame)) {
        low = high;
        high *= 2;
    }
    while (low < high) {
        int middle = (low + high) / 2;
        if (lua_getstack(L, middle, &frame)) low = middle + 1;
        else high = middle;
    }
    return high - 1;
}

/// Whether a frame of the script lies between two levels; its place is written then.
static bool place_between(lua_State *L, int level, int last, char *text, size_t size) {
    lua_Debug frame;
    for (; level <= last && lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "Sl", &frame);
        if (!is_script(&frame)) continue;
        snprintf(text, size, "%s:%d", file_of(&frame), frame.currentline);
        return true;
    }
    text[0] = 0;
    return false;
}

bool script_where(lua_State *L, int level, char *text, size_t size) {
    if (place_between(L, level, level + LEVELS_FIRST, text, size)) return true;
    lua_Debug frame;
    if (!lua_getstack(L, level + LEVELS_FIRST, &frame)) return false;
    int last = last_level(L);
    return place_between(L, last - LEVELS_LAST, last, text, size);
}

bool lb_vm_slot_end(lb_vm *vm, uint32_t slot, char *text, size_t size) {
    lua_State *L = vm->L;
    text[0] = 0;
    if (slot == 0 || slot > vm->slot_count || !lua_checkstack(L, 2)) return false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->slots[slot - 1].reference);
    if (!lua_isfunction(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    lua_Debug function;
    lua_getinfo(L, ">S", &function);
    if (function.lastlinedefined <= 0 || strncmp(function.source, HOST_CHUNK, sizeof HOST_CHUNK - 1) == 0) return false;
    snprintf(text, size, "%s:%d", file_of(&function), function.lastlinedefined);
    return true;
}

/// Appends the line of a frame, if it is one of the script's; frames of C and of the prelude are the host's business.
static bool write_frame(lua_State *L, lua_Debug *frame, lb_bytes *out) {
    lua_getinfo(L, "Sln", frame);
    if (!is_script(frame)) return false;
    char line[1200];
    const char *file = file_of(frame);
    int used = snprintf(line, sizeof line, "%s%.500s:%d: in ", out->count ? "\n" : "", file, frame->currentline);
    char *rest = line + used;
    size_t room = sizeof line - (size_t)used;
    if (*frame->what == 'm') snprintf(rest, room, "main chunk");
    else if (*frame->namewhat)
        snprintf(rest, room, "%s '%.80s'", strcmp(frame->namewhat, "method") == 0 ? "method" : "function", frame->name);
    else snprintf(rest, room, "function <%.80s:%d>", file, frame->linedefined);
    bytes_text(out, line);
    return true;
}

/// Appends the script's frames, of a deep stack the first and the last ones. It does not allocate in Lua, so it works on dead
/// coroutines and when memory has run out.
void write_traceback(lua_State *L, lb_bytes *out, char *where, size_t where_size) {
    lua_Debug frame;
    if (out->count > LONGEST_TRACEBACK) return;  // coroutines inside coroutines
    int level = 0;
    for (int shown = 0; shown < FRAMES_FIRST && level < LEVELS_FIRST && lua_getstack(L, level, &frame); level++) {
        if (!write_frame(L, &frame, out)) continue;
        if (shown++ == 0 && where && !where[0])
            snprintf(where, where_size, "%s:%d", file_of(&frame), frame.currentline);
    }
    if (!lua_getstack(L, level, &frame)) return;
    int last = last_level(L);
    if (last - LEVELS_LAST > level) {
        level = last - LEVELS_LAST;
        bytes_text(out, "\n...");
    }
    for (; lua_getstack(L, level, &frame); level++) write_frame(L, &frame, out);
}

/// Of a message at index 1 that begins with a place of the library, `[aikit name]:12: `, puts the line of the script in its
/// stead that called the library, or nothing where none did. Leaves the message alone on the stack. RAISES for memory.
static void blame_script(lua_State *L) {
    lua_settop(L, 1);
    if (lua_type(L, 1) != LUA_TSTRING) return;
    const char *mark = HOST_CHUNK, *text = lua_tostring(L, 1);
    if (likely(strncmp(text, mark + 1, strlen(mark + 1)) != 0)) return;
    const char *rest = strstr(text, "]:");
    if (!rest) return;
    rest += 2 + strspn(rest + 2, "0123456789");
    if (strncmp(rest, ": ", 2) != 0) return;
    char place[1200];
    if (script_where(L, 0, place, sizeof place)) lua_pushfstring(L, "%s%s", place, rest);
    else lua_pushstring(L, rest + 2);
    lua_replace(L, 1);
}

/// The message handler of a script's pcall.
static int caught(lua_State *L) {
    blame_script(L);
    return 1;
}

/// The message handler of a script's xpcall; the script's own is its upvalue.
static int caught_by_handler(lua_State *L) {
    blame_script(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/// pcall and xpcall run in the frame of Lua's own xpcall, which is their upvalue and goes on after a request of the host.
static int safe_pcall(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushcfunction(L, caught);
    lua_insert(L, 2);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static int safe_xpcall(lua_State *L) {
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, caught_by_handler, 1);
    lua_replace(L, 2);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

void replace_protected_calls(lua_State *L) {
    lua_getfield(L, -1, "xpcall");
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, safe_pcall, 1);
    lua_setfield(L, -3, "pcall");
    lua_pushcclosure(L, safe_xpcall, 1);
    lua_setfield(L, -2, "xpcall");
}

int note_traceback(lua_State *L) {
    lb_vm *vm = vm_of(L);
    blame_script(L);
    // An error that comes out of an inner coroutine has its first frames there.
    const void *error = lua_topointer(L, 1);
    if (!error || error != vm->noted_error) {
        vm->traceback.count = 0;
        vm->where[0] = 0;
    }
    vm->noted_error = error;
    write_traceback(L, &vm->traceback, vm->where, sizeof vm->where);
    return 1;
}

typedef struct object {
    lb_bytes *out;
    size_t start;
    uint32_t count;
    /// There was no memory for a part of it.
    bool failed;
} object;

static void open_object(object *o, lb_bytes *out) {
    *o = (object){out, out->count, 0, false};
    // Room for the error that close_object falls back to.
    if (bytes_reserve(out, 128)) out->count += 9;
    else o->failed = true;
}

static void append(object *o, const void *bytes, size_t length) {
    if (!o->failed && !bytes_append(o->out, bytes, length)) o->failed = true;
}

static void put_key(object *o, const char *key) {
    uint32_t length = (uint32_t)strlen(key);
    append(o, &length, 4);
    append(o, key, length);
    o->count++;
}

static void put_string(object *o, const char *key, const char *text, size_t length) {
    put_key(o, key);
    uint8_t tag = TAG_STRING;
    append(o, &tag, 1);
    size_t size = o->out->count;
    append(o, "\0\0\0\0", 4);
    // Every byte that is not UTF-8 becomes a replacement character.
    for (const char *end = text + length; text < end && !o->failed;) {
        size_t valid = utf8_prefix((const uint8_t *)text, (size_t)(end - text));
        append(o, text, valid);
        text += valid;
        if (text == end) break;
        append(o, "\xEF\xBF\xBD", 3);
        text++;
    }
    if (!o->failed) put_u32(o->out->data + size, (uint32_t)(o->out->count - size - 4));
}

/// Without memory the error becomes one that says so; nothing is appended when not even that is possible.
static void close_object(object *o) {
    if (o->failed) {
        o->out->count = o->start;
        open_object(o, o->out);
        put_string(o, "code", "out_of_memory", 13);
        put_string(o, "message", "not enough memory for the error", 31);
        if (o->failed) {
            o->out->count = o->start;
            return;
        }
    }
    uint8_t *to = o->out->data + o->start;
    to[0] = TAG_OBJECT;
    put_u32(to + 1, o->count);
    put_u32(to + 5, (uint32_t)(o->out->count - o->start - 9));
}

static void put_traceback(lb_vm *vm, object *o) {
    if (vm->where[0]) put_string(o, "where", vm->where, strlen(vm->where));
    if (vm->traceback.count) put_string(o, "traceback", (const char *)vm->traceback.data, vm->traceback.count);
}

void append_plain_error(lb_vm *vm, const char *code, const char *message, lb_bytes *out) {
    object o;
    open_object(&o, out);
    put_string(&o, "code", code, strlen(code));
    put_string(&o, "message", message, strlen(message));
    put_traceback(vm, &o);
    close_object(&o);
}

static int raw_field(lua_State *L, int table, const char *name) {
    lua_pushstring(L, name);
    return lua_rawget(L, table);
}

/// Puts a value under a key, or why it cannot be encoded.
static void put_value(lua_State *L, int index, object *o, const char *key) {
    size_t before = o->out->count;
    put_key(o, key);
    if (o->failed || encode_value(L, index, o->out, key)) return;
    o->out->count = before;
    o->count--;
    put_string(o, key, vm_of(L)->message, strlen(vm_of(L)->message));
}

/// Pushes what the table's `__tostring` makes of it, called protected; pushes nothing and gives false where there is none, and
/// where it fails or gives no text.
static bool push_own_text(lua_State *L, int index) {
    if (luaL_getmetafield(L, index, "__tostring") == LUA_TNIL) return false;
    lua_pushvalue(L, index);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING) return true;
    lua_pop(L, 1);
    return false;
}

static void encode_table_error(lua_State *L, int index, object *o) {
    size_t length;
    int code = raw_field(L, index, "code");
    if (code == LUA_TSTRING || code == LUA_TNUMBER) {
        const char *text = lua_tolstring(L, -1, &length);
        put_string(o, "code", text, length);
    } else {
        put_string(o, "code", "error", 5);
    }
    int message = raw_field(L, index, "message");
    if (message == LUA_TSTRING || message == LUA_TNUMBER) {
        const char *text = lua_tolstring(L, -1, &length);
        put_string(o, "message", text, length);
    } else if (push_own_text(L, index)) {
        const char *text = lua_tolstring(L, -1, &length);
        put_string(o, "message", text, length);
        if (code == LUA_TNIL) put_value(L, index, o, "details");
        return;
    } else if (code == LUA_TSTRING || code == LUA_TNUMBER) {
        const char *text = lua_tolstring(L, -2, &length);
        put_string(o, "message", text, length);
    } else {
        // No error table of ours: what the script raised is all that there is to say.
        static const char text[] = "the script raised a table that has no message";
        put_string(o, "message", text, sizeof text - 1);
        put_value(L, index, o, "details");
        return;
    }
    if (raw_field(L, index, "retryable") == LUA_TBOOLEAN) {
        put_key(o, "retryable");
        uint8_t tag = lua_toboolean(L, -1) ? TAG_TRUE : TAG_FALSE;
        append(o, &tag, 1);
    }
    int after = raw_field(L, index, "retry_after");
    if (after == LUA_TNUMBER || after == LUA_TSTRING) put_value(L, lua_gettop(L), o, "retry_after");
    if (raw_field(L, index, "details") != LUA_TNIL) put_value(L, lua_gettop(L), o, "details");
    // An error that is raised again by no script, as a recorded one is, keeps its place.
    if (!vm_of(L)->where[0] && raw_field(L, index, "where") == LUA_TSTRING) {
        const char *text = lua_tolstring(L, -1, &length);
        put_string(o, "where", text, length);
    }
}

void encode_error(lua_State *L, int index, int status, lb_bytes *out) {
    lb_vm *vm = vm_of(L);
    index = lua_absindex(L, index);
    luaL_checkstack(L, 10, NULL);
    size_t start = out->count;
    if (status == LUA_ERRMEM && (vm->refused || !lua_isstring(L, index))) {
        char text[96];
        const char *message = "not enough memory";
        if (vm->squeezed) {
            message = "not enough memory: the system gives the process no more (ulimit -v)";
        } else if (vm->limit) {
            snprintf(text, sizeof text, "not enough memory (the limit is %zu MiB)", vm->limit >> 20);
            message = text;
        }
        append_plain_error(vm, "out_of_memory", message, out);
        return;
    }
    object o;
    open_object(&o, out);
    size_t length;
    if (lua_istable(L, index)) {
        encode_table_error(L, index, &o);
    } else {
        put_string(&o, "code", "error", 5);
        if (lua_isstring(L, index)) {
            lua_pushvalue(L, index);
            const char *path_end = strrchr(vm->where, ':');
            if (path_end) lengthen_place(L, vm->where, (size_t)(path_end - vm->where));
            const char *text = lua_tolstring(L, -1, &length);
            const char *hint = hint_for(text, length);
            if (hint) {
                lua_pushfstring(L, "%s; %s", text, hint);
                text = lua_tolstring(L, -1, &length);
            }
            put_string(&o, "message", text, length);
        } else {
            char text[64];
            snprintf(text, sizeof text, "the script raised a %s", luaL_typename(L, index));
            put_string(&o, "message", text, strlen(text));
        }
    }
    put_traceback(vm, &o);
    if (out->count - start > MAX_VALUE_BYTES) {
        out->count = start;
        append_plain_error(vm, "error", "the error is larger than 64 MiB, the limit of one value", out);
        return;
    }
    close_object(&o);
}

int raise_error(lua_State *L, const char *code, const char *format, ...) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, code);
    lua_setfield(L, -2, "code");
    va_list arguments;
    va_start(arguments, format);
    lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    lua_setfield(L, -2, "message");
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_of(L)->error_metatable);
    lua_setmetatable(L, -2);
    return lua_error(L);
}
