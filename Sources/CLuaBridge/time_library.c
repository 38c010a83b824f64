// os for scripts: the time of the day and the time that passes, as the host's clock tells them. Nothing else of Lua's own os library
// is there, nor linked.
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "internal.h"

static int64_t system_time(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/// Microseconds since 1970.
static int64_t now(const lb_vm *vm) {
    return vm->config.now ? vm->config.now(vm->config.user) : system_time(CLOCK_REALTIME);
}

/// Microseconds of a clock that nobody sets.
static int64_t elapsed(const lb_vm *vm) {
    return vm->config.elapsed ? vm->config.elapsed(vm->config.user) : system_time(CLOCK_MONOTONIC);
}

/// bridge.now() -> milliseconds since 1970
int bridge_now(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)(now(vm_of(L)) / 1000));
    return 1;
}

/// os.clock: seconds since the run began. Within one call it never goes back, though the time of the day may be set.
static int os_clock(lua_State *L) {
    lb_vm *vm = vm_of(L);
    lb_thread *thread = vm->current;
    int64_t passed = elapsed(vm);
    int64_t start = vm->made_at;
    if (thread && thread->context && thread->context->write_origin) {
        if (!thread->has_clock) {
            lb_origin origin = {0};
            thread->context->write_origin(thread->context, &origin);
            int64_t since = now(vm) - origin.started;
            thread->clock_start = passed - (since > 0 ? since : 0);
            thread->has_clock = true;
        }
        start = thread->clock_start;
    }
    lua_pushnumber(L, (lua_Number)(passed - start) / 1e6);
    return 1;
}

static int os_difftime(lua_State *L) {
    lua_pushnumber(L, (lua_Number)luaL_checkinteger(L, 1) - (lua_Number)luaL_checkinteger(L, 2));
    return 1;
}

static void set_field(lua_State *L, const char *key, int value, int delta) {
    lua_pushinteger(L, (lua_Integer)value + delta);
    lua_setfield(L, -2, key);
}

static void set_fields(lua_State *L, const struct tm *time) {
    set_field(L, "year", time->tm_year, 1900);
    set_field(L, "month", time->tm_mon, 1);
    set_field(L, "day", time->tm_mday, 0);
    set_field(L, "hour", time->tm_hour, 0);
    set_field(L, "min", time->tm_min, 0);
    set_field(L, "sec", time->tm_sec, 0);
    set_field(L, "yday", time->tm_yday, 1);
    set_field(L, "wday", time->tm_wday, 1);
    if (time->tm_isdst < 0) return;
    lua_pushboolean(L, time->tm_isdst);
    lua_setfield(L, -2, "isdst");
}

/// A field of the table on top as struct tm has it; `fallback` below 0 for one that has to be there.
static int get_field(lua_State *L, const char *key, int fallback, int delta) {
    int is_integer;
    int type = lua_getfield(L, -1, key);
    lua_Integer value = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer) {
        if (type != LUA_TNIL) return luaL_error(L, "field '%s' is not an integer", key);
        if (fallback < 0) return luaL_error(L, "field '%s' missing in date table", key);
        value = (lua_Integer)fallback + delta;
    }
    if (value >= 0 ? value - delta > INT32_MAX : value < (lua_Integer)INT32_MIN + delta)
        return luaL_error(L, "field '%s' is out-of-bound", key);
    lua_pop(L, 1);
    return (int)(value - delta);
}

/// os.time([table])
static int os_time(lua_State *L) {
    if (lua_isnoneornil(L, 1)) {
        int64_t microseconds = now(vm_of(L));
        lua_pushinteger(L, (lua_Integer)(microseconds / 1000000 - (microseconds % 1000000 < 0)));
        return 1;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct tm time = {0};
    time.tm_year = get_field(L, "year", -1, 1900);
    time.tm_mon = get_field(L, "month", -1, 1);
    time.tm_mday = get_field(L, "day", -1, 0);
    time.tm_hour = get_field(L, "hour", 12, 0);
    time.tm_min = get_field(L, "min", 0, 0);
    time.tm_sec = get_field(L, "sec", 0, 0);
    time.tm_isdst = lua_getfield(L, -1, "isdst") == LUA_TNIL ? -1 : lua_toboolean(L, -1);
    lua_pop(L, 1);
    time.tm_wday = -1;
    time_t seconds = mktime(&time);
    // One second before 1970 looks like a failure, and only a success sets the day of the week.
    if (seconds == (time_t)-1 && time.tm_wday == -1)
        return luaL_error(L, "time result cannot be represented in this installation");
    set_fields(L, &time);
    lua_pushinteger(L, (lua_Integer)seconds);
    return 1;
}

/// The length of the conversion that begins at `text`, behind its %; 0 when there is none.
static size_t conversion(const char *text, size_t left) {
    if (left == 0) return 0;
    const char *second = *text == 'E' ? "cCxXyY" : *text == 'O' ? "deHImMSuUVwWy" : NULL;
    if (second) return left > 1 && text[1] && strchr(second, text[1]) ? 2 : 0;
    return *text && strchr("aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%", *text) ? 1 : 0;
}

/// os.date([format[, time]])
static int os_date(lua_State *L) {
    size_t length;
    const char *format = luaL_optlstring(L, 1, "%c", &length);
    const char *end = format + length;
    lua_Integer at = lua_isnoneornil(L, 2) ? (lua_pushcfunction(L, os_time), lua_call(L, 0, 1), lua_tointeger(L, -1))
                                           : luaL_checkinteger(L, 2);
    time_t seconds = (time_t)at;
    struct tm time, *known;
    bool is_universal = format < end && *format == '!';
    if (is_universal) format++;
    known = is_universal ? gmtime_r(&seconds, &time) : localtime_r(&seconds, &time);
    if (!known) return luaL_error(L, "date result cannot be represented in this installation");
    if (strcmp(format, "*t") == 0) {
        lua_createtable(L, 0, 9);
        set_fields(L, &time);
        return 1;
    }
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    while (format < end) {
        if (*format != '%') {
            luaL_addchar(&text, *format++);
            continue;
        }
        check_interrupt(L);
        char specifier[4] = "%";
        format++;
        size_t count = conversion(format, (size_t)(end - format));
        if (count == 0) return luaL_error(L, "invalid conversion specifier '%%%s'", format);
        memcpy(specifier + 1, format, count);
        format += count;
        char *room = luaL_prepbuffsize(&text, 256);
        luaL_addsize(&text, strftime(room, 256, specifier, &time));
    }
    luaL_pushresult(&text);
    return 1;
}

void open_time(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"clock", os_clock}, {"date", os_date}, {"difftime", os_difftime}, {"time", os_time}, {NULL, NULL}};
    lb_vm *vm = vm_of(L);
    vm->made_at = elapsed(vm);
    luaL_newlib(L, functions);
}
