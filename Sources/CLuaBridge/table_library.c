// The functions of the table library that may run for long: concat, insert, move, remove, sort and unpack, each of which can be
// interrupted.
// A table may claim any length by __len, so even insert could loop for hours in C, where no hook fires.
#include "internal.h"

#define PATIENCE 1024
/// Sorted on the stack before runs are merged.
#define RUN 16

/// Accepts tables, and whatever behaves like one.
static void check_table(lua_State *L, int index) {
    if (lua_type(L, index) == LUA_TTABLE) return;
    if (luaL_getmetafield(L, index, "__index") == LUA_TNIL) luaL_checktype(L, index, LUA_TTABLE);
    lua_pop(L, 1);
}

static lua_Integer length_of(lua_State *L, int index) {
    check_table(L, index);
    return luaL_len(L, index);
}

static inline void tick(lua_State *L, lua_Integer at) {
    if (unlikely(at % PATIENCE == 0)) check_interrupt(L);
}

static int table_insert(lua_State *L) {
    lua_Integer end = (lua_Integer)((lua_Unsigned)length_of(L, 1) + 1);
    if (lua_gettop(L) == 2) {
        lua_seti(L, 1, end);
        return 0;
    }
    if (lua_gettop(L) != 3) return luaL_error(L, "wrong number of arguments to 'insert'");
    lua_Integer position = luaL_checkinteger(L, 2);
    luaL_argcheck(L, (lua_Unsigned)position - 1u < (lua_Unsigned)end, 2, "position out of bounds");
    for (lua_Integer i = end; i > position; i--) {
        tick(L, i);
        lua_geti(L, 1, i - 1);
        lua_seti(L, 1, i);
    }
    lua_seti(L, 1, position);
    return 0;
}

static int table_remove(lua_State *L) {
    lua_Integer size = length_of(L, 1);
    lua_Integer position = luaL_optinteger(L, 2, size);
    if (position != size)
        luaL_argcheck(L, (lua_Unsigned)position - 1u <= (lua_Unsigned)size, 2, "position out of bounds");
    lua_geti(L, 1, position);
    for (; position < size; position++) {
        tick(L, position);
        lua_geti(L, 1, position + 1);
        lua_seti(L, 1, position);
    }
    lua_pushnil(L);
    lua_seti(L, 1, position);
    return 1;
}

static int table_move(lua_State *L) {
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3), target = luaL_checkinteger(L, 4);
    int to = lua_isnoneornil(L, 5) ? 1 : 5;
    check_table(L, 1);
    check_table(L, to);
    if (last >= first) {
        luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
        lua_Integer count = last - first + 1;
        luaL_argcheck(L, target <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
        // Backwards when the target lies inside the source of the same table.
        bool overlaps = target > first && target <= last && (to == 1 || lua_compare(L, 1, to, LUA_OPEQ));
        for (lua_Integer i = 0; i < count; i++) {
            lua_Integer at = overlaps ? count - 1 - i : i;
            tick(L, i);
            lua_geti(L, 1, first + at);
            lua_seti(L, to, target + at);
        }
    }
    lua_pushvalue(L, to);
    return 1;
}

static void add_item(lua_State *L, luaL_Buffer *out, lua_Integer at) {
    lua_geti(L, 1, at);
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1), (LUAI_UACINT)at);
    luaL_addvalue(out);
}

static int table_concat(lua_State *L) {
    lua_Integer size = length_of(L, 1);
    size_t length;
    const char *separator = luaL_optlstring(L, 2, "", &length);
    lua_Integer first = luaL_optinteger(L, 3, 1), last = luaL_optinteger(L, 4, size);
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    for (lua_Integer i = first; i < last; i++) {
        tick(L, i);
        add_item(L, &out, i);
        luaL_addlstring(&out, separator, length);
    }
    if (first <= last) add_item(L, &out, last);
    luaL_pushresult(&out);
    return 1;
}

static int table_unpack(lua_State *L) {
    lua_Integer first = luaL_optinteger(L, 2, 1), last = luaL_opt(L, luaL_checkinteger, 3, luaL_len(L, 1));
    if (first > last) return 0;
    lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)first + 1;
    if (count == 0 || count >= INT_MAX || !lua_checkstack(L, (int)count)) return luaL_error(L, "too many results to unpack");
    for (lua_Unsigned i = 0; i < count; i++) {
        tick(L, (lua_Integer)i);
        lua_geti(L, 1, (lua_Integer)((lua_Unsigned)first + i));
    }
    return (int)count;
}

// MARK: sort

enum { TABLE = 1, COMPARATOR = 2, FROM = 3, TO = 4 };

/// Whether the value at one absolute index comes before that at another.
static bool is_before(lua_State *L, int one, int other) {
    check_interrupt(L);
    if (lua_isnil(L, COMPARATOR)) return lua_compare(L, one, other, LUA_OPLT);
    lua_pushvalue(L, COMPARATOR);
    lua_pushvalue(L, one);
    lua_pushvalue(L, other);
    lua_call(L, 2, 1);
    bool result = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return result;
}

/// Sorts the items [low, high) of the table into the list at FROM, on the stack, where moving them is cheapest.
static void sort_run(lua_State *L, lua_Integer low, lua_Integer high) {
    int base = lua_gettop(L);
    for (lua_Integer i = low; i < high; i++) {
        lua_geti(L, TABLE, i);
        int item = lua_gettop(L), first = base + 1, end = item;
        while (first < end) {
            int middle = first + (end - first) / 2;
            if (is_before(L, item, middle)) end = middle;
            else first = middle + 1;
        }
        if (first != item) lua_insert(L, first);
    }
    for (lua_Integer i = high - 1; i >= low; i--) lua_rawseti(L, FROM, i);
}

/// Merges the sorted runs [low, middle) and [middle, high) of one list into another.
static void merge(lua_State *L, int from, int to, lua_Integer low, lua_Integer middle, lua_Integer high) {
    lua_Integer left = low, right = middle;
    int top = lua_gettop(L);
    for (lua_Integer at = low; at < high; at++) {
        tick(L, at);
        if (left < middle && right < high) {
            lua_rawgeti(L, from, left);
            lua_rawgeti(L, from, right);
            // Only a right item that is smaller goes first: equal items keep their order.
            if (is_before(L, top + 2, top + 1)) {
                lua_rawseti(L, to, at);
                lua_pop(L, 1);
                right++;
            } else {
                lua_pop(L, 1);
                lua_rawseti(L, to, at);
                left++;
            }
        } else {
            lua_rawgeti(L, from, left < middle ? left++ : right++);
            lua_rawseti(L, to, at);
        }
    }
}

/// A merge sort: few comparisons, and a comparator that contradicts itself can do no harm.
static int table_sort(lua_State *L) {
    lua_Integer size = length_of(L, TABLE);
    if (size < 2) return 0;
    luaL_argcheck(L, size < INT32_MAX, 1, "array too big");
    if (!lua_isnoneornil(L, COMPARATOR)) luaL_checktype(L, COMPARATOR, LUA_TFUNCTION);
    lua_settop(L, 2);
    // Room for what is there, and not for what __len claims.
    int room = (int)lua_rawlen(L, TABLE);
    lua_createtable(L, room, 0);
    lua_createtable(L, size > RUN ? room : 0, 0);
    luaL_checkstack(L, RUN + 6, NULL);
    for (lua_Integer low = 1; low <= size; low += RUN) {
        check_interrupt(L);
        sort_run(L, low, low + RUN <= size ? low + RUN : size + 1);
    }
    int from = FROM, to = TO;
    for (lua_Integer width = RUN; width < size; width *= 2) {
        for (lua_Integer low = 1; low <= size; low += 2 * width) {
            lua_Integer middle = low + width, high = low + 2 * width;
            if (middle > size + 1) middle = size + 1;
            if (high > size + 1) high = size + 1;
            merge(L, from, to, low, middle, high);
        }
        int other = from;
        from = to;
        to = other;
    }
    for (lua_Integer i = 1; i <= size; i++) {
        tick(L, i);
        lua_rawgeti(L, from, i);
        lua_seti(L, TABLE, i);
    }
    return 0;
}

void replace_table_functions(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"concat", table_concat}, {"insert", table_insert}, {"move", table_move},
        {"remove", table_remove}, {"sort", table_sort},     {"unpack", table_unpack},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
