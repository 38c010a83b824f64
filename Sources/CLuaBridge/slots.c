// Functions of the script by number. A slot is kept for as long as the VM lives, unless it is part of a lease: a schema that a
// handler makes is compiled with slots of its own, and these go when the schema is collected.
#include <stdlib.h>

#include "internal.h"

/// A userdata; what it names is released when it is collected.
typedef struct lease {
    /// The number by which the host knows the schema; 0 for none.
    uint32_t schema;
    uint32_t count;
    uint32_t slots[];
} lease;

#define MOST_LEASED 100000

/// How many arguments a function can see: the rest need not be decoded.
static uint8_t visible_arguments(lua_State *L, int index) {
    lua_Debug info;
    lua_pushvalue(L, index);
    lua_getinfo(L, ">u", &info);
    return info.isvararg ? UINT8_MAX : info.nparams;
}

/// The index of a slot that is free, or of a new one. RAISES.
static uint32_t take_slot(lua_State *L) {
    lb_vm *vm = vm_of(L);
    if (vm->free_slot) {
        uint32_t index = vm->free_slot - 1;
        vm->free_slot = vm->slots[index].next_free;
        return index;
    }
    if (vm->slot_count == vm->slot_capacity) {
        if (vm->slot_capacity > UINT32_MAX / 4) luaL_error(L, "too many functions");
        uint32_t capacity = vm->slot_capacity ? vm->slot_capacity * 2 : 32;
        slot *moved = realloc(vm->slots, capacity * sizeof *moved);
        if (!moved) luaL_error(L, "not enough memory");
        vm->slots = moved;
        vm->slot_capacity = capacity;
    }
    return vm->slot_count++;
}

/// bridge.function_slot(fn[, "two"]) -> the number by which the host calls the function
int bridge_function_slot(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    bool two = !lua_isnoneornil(L, 2);
    lua_settop(L, 1);
    uint8_t visible = visible_arguments(L, 1);
    int reference = luaL_ref(L, LUA_REGISTRYINDEX);
    uint32_t index = take_slot(L);
    vm_of(L)->slots[index] = (slot){.reference = reference, .visible = visible, .two = two};
    lua_pushinteger(L, (lua_Integer)index + 1);
    return 1;
}

/// Makes room for the schemas of all leases in the list of those that were released, so that collecting needs no memory.
static void reserve_released(lua_State *L) {
    lb_vm *vm = vm_of(L);
    uint32_t needed = vm->released_count + vm->lease_count + 1;
    if (needed <= vm->released_capacity) return;
    uint32_t *moved = realloc(vm->released, (size_t)needed * 2 * sizeof *moved);
    if (!moved) luaL_error(L, "not enough memory");
    vm->released = moved;
    vm->released_capacity = needed * 2;
}

/// bridge.lease(schema, slots) -> a value; once it is collected, the slots are free and bridge.released names the schema
int bridge_lease(lua_State *L) {
    lb_vm *vm = vm_of(L);
    lua_Integer schema = luaL_checkinteger(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_Unsigned count = lua_rawlen(L, 2);
    luaL_argcheck(L, schema > 0 && schema <= UINT32_MAX, 1, "no schema of the host");
    luaL_argcheck(L, count <= MOST_LEASED, 2, "too many slots");
    lua_settop(L, 2);
    lease *made = lua_newuserdatauv(L, sizeof *made + count * sizeof made->slots[0], 0);
    *made = (lease){0};
    for (lua_Unsigned i = 0; i < count; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        lua_Integer number = lua_tointeger(L, -1);
        bool known = number > 0 && number <= vm->slot_count && vm->slots[number - 1].reference != LUA_NOREF;
        luaL_argcheck(L, known && !vm->slots[number - 1].leased, 2, "no slot of its own");
        made->slots[i] = (uint32_t)number - 1;
        lua_pop(L, 1);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->lease_metatable);
    lua_setmetatable(L, -2);
    // A collection may have released others until here, and none does below.
    reserve_released(L);
    for (lua_Unsigned i = 0; i < count; i++) vm->slots[made->slots[i]].leased = true;
    made->schema = (uint32_t)schema;
    made->count = (uint32_t)count;
    vm->lease_count++;
    return 1;
}

/// The finalizer of leases. It allocates nothing.
static int end_lease(lua_State *L) {
    lb_vm *vm = vm_of(L);
    lease *ended = lua_touserdata(L, 1);
    if (!ended || !ended->schema) return 0;
    vm->released[vm->released_count++] = ended->schema;
    vm->lease_count--;
    for (uint32_t i = 0; i < ended->count; i++) {
        uint32_t index = ended->slots[i];
        luaL_unref(L, LUA_REGISTRYINDEX, vm->slots[index].reference);
        vm->slots[index] = (slot){.reference = LUA_NOREF, .next_free = vm->free_slot};
        vm->free_slot = index + 1;
    }
    *ended = (lease){0};
    return 0;
}

/// bridge.released() -> the schemas that the host need not keep any longer, or nil when there are none
int bridge_released(lua_State *L) {
    lb_vm *vm = vm_of(L);
    lua_settop(L, 0);
    uint32_t count = vm->released_count;
    if (count == 0) return 0;
    // Making the table may collect more of them: these come next time.
    lua_createtable(L, (int)count, 0);
    for (uint32_t i = 0; i < count; i++) {
        lua_pushinteger(L, vm->released[i]);
        lua_rawseti(L, 1, (lua_Integer)i + 1);
    }
    vm->released_count -= count;
    memmove(vm->released, vm->released + count, vm->released_count * sizeof *vm->released);
    return 1;
}

void open_slots(lua_State *L) {
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, end_lease);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, "lease");
    lua_setfield(L, -2, "__metatable");
    vm_of(L)->lease_metatable = luaL_ref(L, LUA_REGISTRYINDEX);
}
