// string.format. Lua's own does the work, once nothing is left for it that may take long where no hook fires: a long text that is
// quoted, or of which little is wanted, and long numerals.
#include <ctype.h>

#include "internal.h"

#define LONG 4096
/// How much is looked at between two looks for an interrupt, in bytes.
#define STRIDE ((size_t)1 << 20)

/// Where the conversion that begins behind the '%' at `at` has its letter, at most `end`.
static const char *conversion(const char *at, const char *end) {
    while (at < end && *at && strchr("-+ #0123456789.", *at)) at++;
    return at;
}

static bool has_zeros(lua_State *L, const char *text, size_t length) {
    for (size_t at = 0; at < length; at += STRIDE) {
        check_interrupt(L);
        if (memchr(text + at, 0, length - at < STRIDE ? length - at : STRIDE)) return true;
    }
    return false;
}

/// Replaces a long text by as much of it as a precision, of two digits at most, lets through.
static void cut_text(lua_State *L, int argument) {
    size_t length;
    const char *text = lua_tolstring(L, argument, &length);
    // Lua refuses a text with zeros, which it finds soon.
    if (length <= LONG || has_zeros(L, text, length)) return;
    lua_pushlstring(L, text, LONG);
    lua_replace(L, argument);
}

/// Replaces a text by the literal that Lua reads it from.
static void quote_text(lua_State *L, int argument) {
    size_t length;
    const char *text = lua_tolstring(L, argument, &length);
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    luaL_addchar(&out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (i % STRIDE == 0) check_interrupt(L);
        if (byte == '"' || byte == '\\' || byte == '\n') {
            luaL_addchar(&out, '\\');
            luaL_addchar(&out, (char)byte);
        } else if (iscntrl(byte)) {
            char escape[8];
            bool digit = i + 1 < length && isdigit((unsigned char)text[i + 1]);
            snprintf(escape, sizeof escape, digit ? "\\%03d" : "\\%d", byte);
            luaL_addstring(&out, escape);
        } else {
            luaL_addchar(&out, (char)byte);
        }
    }
    luaL_addchar(&out, '"');
    luaL_pushresult(&out);
    lua_replace(L, argument);
}

/// Replaces arguments by what Lua's own function makes the same text of at once; whether the format has conversions that have to
/// become %s for that: each %p, and each %q of a text.
static bool replace_arguments(lua_State *L, const char *format, const char *end) {
    int top = lua_gettop(L), argument = 1;
    bool changes = false;
    for (const char *at = format; (at = memchr(at, '%', (size_t)(end - at))); at++) {
        if (++at == end) break;
        if (*at == '%') continue;
        const char *first = at;
        at = conversion(at, end);
        if (at == end || ++argument > top) break;
        bool is_text = lua_type(L, argument) == LUA_TSTRING;
        if (*at == 's') {
            if (!is_text) {
                text_of(L, argument, NULL);
                lua_replace(L, argument);
            }
            if (memchr(first, '.', (size_t)(at - first))) cut_text(L, argument);
        } else if (*at == 'p') {
            changes = true;
            push_identity(L, argument);
            lua_replace(L, argument);
        } else if (*at != 'q') {
            shorten_numeral(L, argument);
        } else if (is_text && at == first) {
            changes = true;
            quote_text(L, argument);
        }
    }
    return changes;
}

/// Pushes the format in which %p, and %q of what is a text now, are %s.
static void push_plain_format(lua_State *L, const char *format, const char *end) {
    int top = lua_gettop(L), argument = 1;
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    for (const char *at = format; at < end; at++) {
        luaL_addchar(&out, *at);
        if (*at != '%' || at + 1 == end) continue;
        const char *first = at + 1, *letter = *first == '%' ? first : conversion(first, end);
        luaL_addlstring(&out, first, (size_t)(letter - first));
        if (letter < end && *letter != '%') argument++;
        bool is_quoted =
            letter == first && letter < end && *letter == 'q' && argument <= top && lua_type(L, argument) == LUA_TSTRING;
        if (letter < end) luaL_addchar(&out, *letter == 'p' || is_quoted ? 's' : *letter);
        at = letter;
    }
    luaL_pushresult(&out);
}

/// Upvalue 1 is Lua's own string.format, which runs in this function's frame, so its messages name the right function.
static int safe_format(lua_State *L) {
    size_t length;
    const char *format = luaL_checklstring(L, 1, &length), *end = format + length;
    if (replace_arguments(L, format, end)) {
        push_plain_format(L, format, end);
        lua_replace(L, 1);
    }
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

void replace_format(lua_State *L) {
    lua_getfield(L, -1, "format");
    lua_pushcclosure(L, safe_format, 1);
    lua_setfield(L, -2, "format");
}
