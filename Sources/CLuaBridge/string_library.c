// The functions of the string library that may run for long: find, match, gmatch, gsub and rep, each of which can be interrupted.
#include "pattern.h"

/// Where a search begins, counted from 0: negative positions count from the end, and all are clipped at the start.
static size_t first_position(lua_Integer position, size_t length) {
    if (position > 0) return (size_t)position - 1;
    if (position == 0 || position < -(lua_Integer)length) return 0;
    return length - (size_t)-position;
}

static bool is_plain(const char *pattern, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (memchr("^$*+?.([%-", pattern[i], 10)) return false;
    return true;
}

static const char *find_plain(lua_State *L, const char *at, const char *end, const char *word, size_t length) {
    if (length == 0) return at;
    for (size_t work = 0; (size_t)(end - at) >= length; work += length) {
        if (unlikely(work > (1 << 20))) {
            work = 0;
            check_interrupt(L);
        }
        at = memchr(at, *word, (size_t)(end - at) - length + 1);
        if (!at || memcmp(at + 1, word + 1, length - 1) == 0) return at;
        at++;
    }
    return NULL;
}

static int search(lua_State *L, bool find) {
    size_t length, pattern_length;
    const char *subject = luaL_checklstring(L, 1, &length);
    const char *pattern = luaL_checklstring(L, 2, &pattern_length);
    size_t start = first_position(luaL_optinteger(L, 3, 1), length);
    if (start > length) {
        lua_pushnil(L);
        return 1;
    }
    if (find && (lua_toboolean(L, 4) || is_plain(pattern, pattern_length))) {
        const char *found = find_plain(L, subject + start, subject + length, pattern, pattern_length);
        if (!found) {
            lua_pushnil(L);
            return 1;
        }
        lua_pushinteger(L, found - subject + 1);
        lua_pushinteger(L, found - subject + (lua_Integer)pattern_length);
        return 2;
    }
    matcher m;
    matcher_init(&m, L, subject, length, pattern, pattern_length);
    bool anchored = pattern_length > 0 && *pattern == '^';
    if (anchored) pattern++;
    for (const char *at = subject + start; at <= m.subject_end; at++) {
        m.captures = 0;
        m.depth = 0;
        const char *end = match_here(&m, at, pattern);
        if (end) {
            if (!find) return push_captures(&m, at, end);
            lua_pushinteger(L, at - subject + 1);
            lua_pushinteger(L, end - subject);
            return 2 + push_captures(&m, NULL, NULL);
        }
        if (anchored) break;
    }
    lua_pushnil(L);
    return 1;
}

static int string_find(lua_State *L) { return search(L, true); }
static int string_match(lua_State *L) { return search(L, false); }

/// The iterator of gmatch. Upvalues: the subject, the pattern, where to go on, where the last match ended (-1: none).
static int next_match(lua_State *L) {
    size_t length, pattern_length;
    const char *subject = lua_tolstring(L, lua_upvalueindex(1), &length);
    const char *pattern = lua_tolstring(L, lua_upvalueindex(2), &pattern_length);
    lua_Integer start = lua_tointeger(L, lua_upvalueindex(3)), last = lua_tointeger(L, lua_upvalueindex(4));
    matcher m;
    matcher_init(&m, L, subject, length, pattern, pattern_length);
    for (lua_Integer at = start; at <= (lua_Integer)length; at++) {
        m.captures = 0;
        m.depth = 0;
        const char *end = match_here(&m, subject + at, pattern);
        // An empty match right behind the last one would be found for ever.
        if (!end || end - subject == last) continue;
        lua_pushinteger(L, end - subject);
        lua_pushvalue(L, -1);
        lua_replace(L, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return push_captures(&m, subject + at, end);
    }
    lua_pushinteger(L, (lua_Integer)length + 1);
    lua_replace(L, lua_upvalueindex(3));
    return 0;
}

static int string_gmatch(lua_State *L) {
    size_t length;
    luaL_checklstring(L, 1, &length);
    luaL_checkstring(L, 2);
    size_t start = first_position(luaL_optinteger(L, 3, 1), length);
    if (start > length) start = length + 1;
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)start);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, next_match, 4);
    return 1;
}

/// Adds a replacement string, in which %0 to %9 stand for captures.
static void add_template(matcher *m, luaL_Buffer *out, const char *start, const char *end) {
    size_t length;
    const char *text = lua_tolstring(m->L, 3, &length);
    const char *text_end = text + length;
    for (;;) {
        const char *escape = memchr(text, '%', (size_t)(text_end - text));
        if (!escape) break;
        luaL_addlstring(out, text, (size_t)(escape - text));
        char what = escape + 1 < text_end ? escape[1] : '\0';
        if (what == '%') {
            luaL_addchar(out, '%');
        } else if (what == '0') {
            luaL_addlstring(out, start, (size_t)(end - start));
        } else if (what >= '1' && what <= '9') {
            if (what - '1' >= m->captures && what != '1')
                luaL_error(m->L, "invalid capture index %%%d in replacement string", what - '0');
            push_capture(m, what - '1', start, end);
            // The number of a position capture becomes text.
            luaL_tolstring(m->L, -1, NULL);
            lua_remove(m->L, -2);
            luaL_addvalue(out);
        } else {
            luaL_error(m->L, "invalid use of '%%' in replacement string");
        }
        text = escape + 2;
    }
    luaL_addlstring(out, text, (size_t)(text_end - text));
}

/// Adds what the match is replaced by; whether that is anything else than the match itself.
static bool add_replacement(matcher *m, luaL_Buffer *out, const char *start, const char *end, int kind) {
    lua_State *L = m->L;
    if (kind == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, start, end), 1);
    } else if (kind == LUA_TTABLE) {
        push_capture(m, 0, start, end);
        lua_gettable(L, 3);
    } else {
        add_template(m, out, start, end);
        return true;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(out, start, (size_t)(end - start));
        return false;
    }
    if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(out);
    return true;
}

static int string_gsub(lua_State *L) {
    size_t length, pattern_length;
    const char *subject = luaL_checklstring(L, 1, &length);
    const char *pattern = luaL_checklstring(L, 2, &pattern_length);
    int kind = lua_type(L, 3);
    luaL_argexpected(
        L, kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION || kind == LUA_TTABLE, 3,
        "string/function/table");
    if (kind == LUA_TNUMBER) lua_tostring(L, 3);
    lua_Integer limit = luaL_optinteger(L, 4, (lua_Integer)length + 1);
    lua_settop(L, 4);
    matcher m;
    matcher_init(&m, L, subject, length, pattern, pattern_length);
    bool anchored = pattern_length > 0 && *pattern == '^';
    if (anchored) pattern++;
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    const char *at = subject, *last = NULL;
    lua_Integer count = 0;
    bool changed = false;
    while (count < limit) {
        m.captures = 0;
        m.depth = 0;
        const char *end = match_here(&m, at, pattern);
        if (end && end != last) {
            count++;
            changed |= add_replacement(&m, &out, at, end, kind);
            at = last = end;
        } else if (at < m.subject_end) {
            luaL_addchar(&out, *at++);
        } else {
            break;
        }
        if (anchored) break;
    }
    if (changed) {
        luaL_addlstring(&out, at, (size_t)(m.subject_end - at));
        luaL_pushresult(&out);
    } else {
        lua_pushvalue(L, 1);
    }
    lua_pushinteger(L, count);
    return 2;
}

static int string_rep(lua_State *L) {
    size_t length, separator_length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer count = luaL_checkinteger(L, 2);
    const char *separator = luaL_optlstring(L, 3, "", &separator_length);
    size_t unit = length + separator_length;
    if (count <= 0 || unit == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (unit < length || (lua_Unsigned)count > (lua_Unsigned)(LUA_MAXINTEGER / 2) / unit) return luaL_error(L, "resulting string too large");
    size_t total = unit * (size_t)count - separator_length;
    luaL_Buffer buffer;
    char *out = luaL_buffinitsize(L, &buffer, total);
    size_t done = unit < total ? unit : total;
    memcpy(out, text, length);
    if (done > length) memcpy(out + length, separator, done - length);
    // What is there already is copied behind itself, twice as much each time.
    while (done < total) {
        check_interrupt(L);
        size_t more = done < total - done ? done : total - done;
        if (more > ((size_t)1 << 20)) more = ((size_t)1 << 20) / unit > 0 ? ((size_t)1 << 20) / unit * unit : done;
        if (more > total - done) more = total - done;
        memcpy(out + done, out, more);
        done += more;
    }
    luaL_pushresultsize(&buffer, total);
    return 1;
}

void replace_string_functions(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"find", string_find}, {"match", string_match}, {"gmatch", string_gmatch},
        {"gsub", string_gsub}, {"rep", string_rep},     {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
