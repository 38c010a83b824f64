// What a call does to its run (events, logs, changes of metadata, ctx and store), as records in the host's buffer.
//
// A script reads back what it has changed. The newest record of a name is found through a Lua table in the registry that maps
// the keys of the store, and the kinds of the other changes, to where their newest records begin. It is brought up to date by
// the look-ups only, so that a call which changes and never looks pays nothing, and neither does one with a handful of records.
#include "internal.h"

/// The most that a call may leave for the host between two waits.
#define MAX_EFFECT_BYTES ((size_t)96 << 20)
/// So many records; the host takes them in one go, while no other run of the worker goes on.
#define MAX_EFFECTS 250000
/// As many bytes of records are looked through one by one.
#define UNINDEXED_BYTES 512

typedef struct record {
    uint8_t kind;
    uint32_t name_length, value_length;
    const uint8_t *name, *value;
    size_t next;
} record;

static record record_at(const lb_bytes *effects, size_t at) {
    const uint8_t *bytes = effects->data + at;
    record record = {.kind = bytes[0], .name_length = get_u32(bytes + 1), .name = bytes + 5};
    record.value_length = get_u32(record.name + record.name_length);
    record.value = record.name + record.name_length + 4;
    record.next = at + 9 + (size_t)record.name_length + record.value_length;
    return record;
}

void effects_forget(lb_vm *vm) {
    if (vm->effects.table) luaL_unref(vm->L, LUA_REGISTRYINDEX, vm->effects.table);
    vm->effects = (effect_index){.count = vm->effects.count};
}

static bool is_named(const record *record, uint8_t kind, const char *name, size_t length) {
    return record->kind == kind &&
           (kind != LB_EFFECT_STORE || (record->name_length == length && memcmp(record->name, name, length) == 0));
}

/// Whether a newer record of the kind stands in for an older one.
static bool is_replaced(uint8_t kind) {
    return kind == LB_EFFECT_STORE || kind == LB_EFFECT_METADATA || kind == LB_EFFECT_CTX || kind == LB_EFFECT_TAGS;
}

/// Pushes the index of the buffer's records, all of them in it. RAISES.
static void push_index(lua_State *L, const lb_bytes *effects) {
    lb_vm *vm = vm_of(L);
    effect_index *index = &vm->effects;
    if (index->of != effects || index->covered > effects->count) {
        effects_forget(vm);
        index->of = effects;
    }
    if (!index->table) {
        lua_newtable(L);
        index->covered = 0;
        index->table = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, index->table);
    while (index->covered < effects->count) {
        record record = record_at(effects, index->covered);
        if (record.kind == LB_EFFECT_STORE) {
            lua_pushlstring(L, (const char *)record.name, record.name_length);
            lua_pushinteger(L, (lua_Integer)index->covered);
            lua_rawset(L, -3);
        } else if (is_replaced(record.kind)) {
            lua_pushinteger(L, (lua_Integer)index->covered);
            lua_rawseti(L, -2, record.kind);
        }
        index->covered = record.next;
    }
}

bool effects_find(
    lua_State *L, const lb_context *context, uint8_t kind, const char *name, size_t name_length, const uint8_t **value,
    size_t *length) {
    const lb_bytes *effects = context->effects;
    if (!effects || effects->count == 0) return false;
    bool found = false;
    record newest;
    if (effects->count <= UNINDEXED_BYTES) {
        for (size_t at = 0; at < effects->count;) {
            record record = record_at(effects, at);
            at = record.next;
            if (!is_named(&record, kind, name, name_length)) continue;
            newest = record;
            found = true;
        }
    } else {
        push_index(L, effects);
        if (kind == LB_EFFECT_STORE) {
            lua_pushlstring(L, name, name_length);
            lua_rawget(L, -2);
        } else {
            lua_rawgeti(L, -1, kind);
        }
        found = !lua_isnil(L, -1);
        if (found) newest = record_at(effects, (size_t)lua_tointeger(L, -1));
        lua_pop(L, 2);
    }
    if (!found) return false;
    *value = newest.value;
    *length = newest.value_length;
    return true;
}

/// Lets the record at `start`, the newest one, take the place of the one before it where that says the same of the same.
static void merge(effect_index *index, lb_bytes *effects, size_t start, uint8_t kind, const char *name, size_t length) {
    size_t at = index->last;
    bool has_last = index->of == effects && at < start;
    index->last = start;
    if (!has_last || !is_replaced(kind)) return;
    record last = record_at(effects, at);
    if (last.next != start || !is_named(&last, kind, name, length)) return;
    size_t size = effects->count - start;
    memmove(effects->data + at, effects->data + start, size);
    effects->count = at + size;
    index->last = at;
    index->count--;
    // The index has the place of the name already.
    if (index->covered > at) index->covered = effects->count;
}

void effects_add(
    lua_State *L, const lb_context *context, uint8_t kind, const char *name, size_t name_length, int index,
    const char *root) {
    lb_vm *vm = vm_of(L);
    lb_bytes *effects = context->effects;
    if (!effects) luaL_error(L, "%s cannot be changed here", root);
    size_t start = effects->count;
    bool is_first = start == 0 || vm->effects.of != effects;
    if (unlikely(!is_first && vm->effects.count >= MAX_EFFECTS)) {
        raise_error(L, "too_many_effects",
                    "the events, logs and stored values of this call are more than %d; have the host take them in between "
                    "with a wait, such as aikit.sleep(0)", MAX_EFFECTS);
    }
    if (name_length > MAX_VALUE_BYTES || !bytes_reserve(effects, 9 + name_length)) luaL_error(L, "not enough memory");
    uint8_t *to = effects->data + start;
    to[0] = kind;
    put_u32(to + 1, (uint32_t)name_length);
    if (name_length > 0) memcpy(to + 5, name, name_length);
    // The record counts only once it is whole: an error in between leaves the effects as they were.
    effects->count = start + 9 + name_length;
    bool ok = index == 0 || encode_value(L, index, effects, root);
    if (!ok) {
        effects->count = start;
        raise_error(L, "invalid_argument", "%s", vm->message);
    }
    put_u32(effects->data + start + 5 + name_length, (uint32_t)(effects->count - start - 9 - name_length));
    if (unlikely(effects->count > MAX_EFFECT_BYTES)) {
        effects->count = start;
        raise_error(L, "too_many_effects",
                    "the events, logs and stored values of this call are larger than %d MiB; have the host take them in between "
                    "with a wait, such as aikit.sleep(0)", (int)(MAX_EFFECT_BYTES >> 20));
    }
    // What the host is to keep counts as the script's memory until the host has taken it.
    if (unlikely(!may_hold(vm, effects->count))) {
        effects->count = start;
        raise_error(L, "too_many_effects", "the events, logs and stored values of this call reach the memory limit (%d MiB)",
                    (int)(start >> 20));
    }
    // The host has taken what there was, or gives another buffer.
    if (is_first) {
        effects_forget(vm);
        vm->effects.of = effects;
        vm->effects.last = start;
        vm->effects.count = 1;
        return;
    }
    vm->effects.count++;
    merge(&vm->effects, effects, start, kind, name, name_length);
}

bool effects_next_key(const lb_bytes *effects, size_t *at, const char **key, size_t *length) {
    while (effects && *at < effects->count) {
        record record = record_at(effects, *at);
        *at = record.next;
        if (record.kind != LB_EFFECT_STORE) continue;
        *key = (const char *)record.name;
        *length = record.name_length;
        return true;
    }
    return false;
}
