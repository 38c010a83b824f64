// What a VM and its coroutines are made of.
#ifndef AIKIT_LUA_BRIDGE_VM_H
#define AIKIT_LUA_BRIDGE_VM_H

#include <lua.h>
#include <signal.h>
#include <stdatomic.h>

#include "include/lua_bridge.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum {
    TAG_NULL = 0,
    TAG_FALSE = 1,
    TAG_TRUE = 2,
    TAG_INT = 3,
    TAG_DOUBLE = 4,
    TAG_STRING = 5,
    TAG_ARRAY = 6,
    TAG_OBJECT = 7,
    TAG_EMPTY = 8,
};

#define MAX_DEPTH 128
#define MAX_VALUE_BYTES ((size_t)64 << 20)

/// Why the coroutine that runs now yields.
typedef enum yield_kind { YIELD_VALUES = 0, YIELD_REQUEST, YIELD_INTERRUPT } yield_kind;

/// Why the step that runs now is being stopped; 0 while it is not.
enum { INTERRUPT_NONE = 0, INTERRUPT_CANCEL, INTERRUPT_DEADLINE, INTERRUPT_GRACE };

/// Marks of a coroutine, kept in the low bits of its extra space, whose rest is the VM's address.
enum {
    /// Waits for the host: nobody else may resume or close it.
    MARK_WAITING = 1,
    /// Runs its to-be-closed variables: it may not yield.
    MARK_CLOSING = 2,
    /// Belongs to the host's pool: scripts may neither resume nor close it.
    MARK_HOST = 4,
    /// Was stopped by an interrupt: never resumed again.
    MARK_STOPPED = 8,
    MARK_ALL = 15,
};

typedef struct slot {
    int reference;
    /// How many arguments the function can see; the others are not even decoded.
    uint8_t visible;
    bool two;
    /// Part of a lease.
    bool leased;
    /// Of a free slot, the number of the next one that is free; 0 for none.
    uint32_t next_free;
} slot;

/// A coroutine that has resumed another and waits for it; the list ends at the host's own coroutine.
typedef struct resumer {
    lua_State *L;
    struct resumer *previous;
} resumer;

typedef struct scope scope;

typedef struct pending {
    uint32_t token;
    /// The innermost bridge.all around the request and the child in it; NULL for a request of the coroutine itself.
    scope *scope;
    uint32_t child;
    /// The coroutine that asked, for its traceback; NULL once the request is answered or given up.
    lua_State *asker;
} pending;

typedef struct made {
    size_t op, op_length, payload, payload_length;
    uint32_t token;
    int64_t span;
} made;

struct lb_thread {
    lb_vm *vm;
    lua_State *co;
    int reference;
    uint32_t generation;
    lb_thread *next_idle;
    lb_thread *next;
    lb_context *context;
    /// The reference of what the call remembers of the store's tables, 0 for nothing; see store.c.
    int kept;
    const lb_arg *args;
    size_t argc;
    uint32_t slot;
    /// Whether the call gives two results.
    bool two;
    lb_status outcome;
    lb_bytes *out;
    uintptr_t tag;
    /// In the order of their tokens; `pending_live` of them are outstanding.
    pending *pending;
    uint32_t pending_count, pending_capacity, pending_live;
    pending one_pending;
    const uint8_t *response;
    size_t response_length;
    bool response_ok;
    /// Runs a chunk of the prelude, whose result is kept as a module.
    bool module;
    /// The thread whose call of the host has led to this one's.
    lb_thread *outer;
    /// The call's own generator, and the time at which its os.clock is 0; see random.c and time_library.c.
    uint64_t random[4];
    int64_t clock_start;
    bool has_random, has_clock;
};

#define KEY_BYTES 31
#define KEY_COUNT 256

/// A key that decoding met; its Lua string stands in the table of cached keys at the same place.
typedef struct cached_key {
    uint8_t length;
    char text[KEY_BYTES];
} cached_key;

#define CLASS_BYTES 16
#define CLASS_COUNT 20
#define STRAY_COUNT 16

/// Where the newest records of the effects buffer that is in use begin; see effects.c.
typedef struct effect_index {
    /// The buffer that the rest is about.
    const lb_bytes *of;
    /// Where the newest record begins, and how many there are.
    size_t last, count;
    /// How many of the buffer's bytes the table knows; its reference, 0 for none.
    size_t covered;
    int table;
} effect_index;

/// The thread of one or more VMs, which may end before they are freed.
typedef struct worker worker;

struct lb_vm {
    lua_State *L;
    lb_config config;

    /// The bytes of Lua's blocks, and those of the system's memory in which they lie.
    size_t used, held;
    /// What may be held without asking the system again whether the reserve remains.
    size_t assured;
    /// The newest growth was refused because of the reserve, and not because of the limit.
    bool squeezed;
    size_t limit, threshold, fail_countdown;
    bool fail_again, failed;
    /// A block was refused since the call began: a script may raise the text of memory errors itself.
    bool refused;
    void *free_blocks[CLASS_COUNT];
    /// The room that is left at the end of the newest chunk.
    uint8_t *room;
    size_t room_left;
    struct chunk *chunks;
    size_t chunk_count, empty_chunks;
    /// Large blocks that could not be moved when they shrank to the size of small ones.
    void *strays[STRAY_COUNT];
    uint32_t stray_count;

    lb_thread *idle, *spent, *threads, *current;
    uint32_t idle_count;
    uint32_t next_token;
    resumer *resumers;
    scope *scope;
    uint32_t scope_child;
    yield_kind yielding;

    slot *slots;
    uint32_t slot_count, slot_capacity, free_slot;
    /// The host's schemas whose leases have ended, and how many leases there are.
    uint32_t *released;
    uint32_t released_count, released_capacity, lease_count;
    int array_metatable, context_metatable, error_metatable, bridge_table, function_slot, modules, names, collect,
        script_globals, numbers, lease_metatable;
    /// What bridge.inherit was given; 0 for nothing.
    int inherited;
    lua_Integer last_number;

    cached_key keys[KEY_COUNT];
    int keys_table;

    lb_bytes requests;
    made *made;
    uint32_t made_count, made_capacity;
    uint32_t *abandoned;
    uint32_t abandoned_count, abandoned_capacity;
    lb_bytes payload, response, traceback, path;
    effect_index effects;
    /// The generator outside of runs, and the time at which os.clock is 0 there.
    uint64_t random[4];
    int64_t made_at;
    const void *noted_error;
    char where[600];
    char message[512];
    uint32_t close_depth;

    worker *worker;
    lua_State *volatile running;
    volatile sig_atomic_t interrupting;
    volatile sig_atomic_t closing;
    /// Why the step that was stopped last was.
    volatile sig_atomic_t stopped_for;
    _Atomic bool attention;
    _Atomic uint64_t epoch, token, cancel_token, deadline, expired_epoch;
    /// Counts the entries into Lua, and the CPU time that the one under way may use: nanoseconds, 0 for no limit.
    _Atomic uint64_t entry, budget;
    /// The entry that the watchdog saw last, its CPU time so far, and the thread's CPU time when it was first seen.
    _Atomic uint64_t seen_entry, spent_cpu;
    uint64_t seen_cpu;
    lb_vm *watch_next;
    bool watched;
    bool stop_noted;
};

static inline lb_vm *vm_of(lua_State *L) {
    return (lb_vm *)(*(uintptr_t *)lua_getextraspace(L) & ~(uintptr_t)MARK_ALL);
}
static inline bool has_mark(lua_State *L, unsigned mark) { return (*(uintptr_t *)lua_getextraspace(L) & mark) != 0; }
static inline void set_mark(lua_State *L, unsigned mark) { *(uintptr_t *)lua_getextraspace(L) |= mark; }
static inline void clear_mark(lua_State *L, unsigned mark) { *(uintptr_t *)lua_getextraspace(L) &= ~(uintptr_t)mark; }

#endif
