// The C side of the bridge between Swift and Lua.
//
// Lua errors are longjmps, so Swift never has a Lua frame below it or above it: the host makes one C call, C resumes a
// coroutine inside a protected call, and a status comes back. Values cross as flat buffers. Except where a function says
// otherwise, everything about a VM is called on the one thread that created it, and never from inside a host callback.
#ifndef AIKIT_LUA_BRIDGE_H
#define AIKIT_LUA_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#define LB_NULLABLE _Nullable
#define LB_NONNULL _Nonnull
#else
#define LB_NULLABLE
#define LB_NONNULL
#endif

/// Bytes of the malloc family; the layout is that of Swift's ByteArena, so either side may append.
typedef struct lb_bytes {
    uint8_t *LB_NULLABLE data;
    size_t count;
    size_t capacity;
} lb_bytes;

/// A part of an arena; length 0 means that there is no value.
typedef struct lb_slice {
    uint32_t offset;
    uint32_t length;
} lb_slice;

/// One entry of a run's store: the key's raw bytes, and a flat value.
typedef struct lb_store_entry {
    lb_slice key;
    lb_slice value;
} lb_store_entry;

/// What time and chance of a call go by.
typedef struct lb_origin {
    /// When the run began, in microseconds since 1970.
    int64_t started;
    /// The same for the same call of the same run, others for every other one.
    uint64_t seed[2];
} lb_origin;

/// What a callback's `context` shows. It lives in the host, at one address for as long as the coroutine lives.
///
/// Slices are relative to `arena->data` at the moment of reading; C may move the arena while it appends a result.
typedef struct lb_context {
    lb_bytes *LB_NULLABLE arena;
    const char *LB_NULLABLE workflow_id;
    const char *LB_NULLABLE run_id;
    const char *LB_NULLABLE step_id;
    /// NULL: `write_path` appends it when a script asks for it, because a nested path is dear to make.
    const char *LB_NULLABLE path;
    void (*LB_NULLABLE write_path)(const struct lb_context *LB_NONNULL context, lb_bytes *LB_NONNULL out);
    /// Fills in the origin, when a script asks for time or chance; NULL: those of the VM.
    void (*LB_NULLABLE write_origin)(const struct lb_context *LB_NONNULL context, lb_origin *LB_NONNULL out);
    /// Gives the number behind which those of the spans lie that the call makes, and appends what the id of the step's span is the
    /// hash of, where `out` is not NULL; called when a script asks. NULL: 0, and no text.
    int64_t (*LB_NULLABLE write_span)(const struct lb_context *LB_NONNULL context, lb_bytes *LB_NULLABLE out);
    /// Whether the spans of the run are sent; called when a script asks. NULL: they are not.
    bool (*LB_NULLABLE is_sampled)(const struct lb_context *LB_NONNULL context);
    const char *LB_NULLABLE idempotency_key;
    /// Why the step is being stopped; NULL: `write_reason` appends it when a script asks for it.
    const char *LB_NULLABLE abort_reason;
    void (*LB_NULLABLE write_reason)(const struct lb_context *LB_NONNULL context, lb_bytes *LB_NONNULL out);
    uint32_t attempt;
    uint32_t occurrence;
    /// The iteration from 1; 0 shows as nil.
    uint32_t iteration;
    lb_slice initial_input;
    /// The construct's own input.
    lb_slice input;
    lb_slice metadata;
    lb_slice ctx;
    const lb_store_entry *LB_NULLABLE store;
    uint32_t store_count;
    /// Finds the value of a key among more entries than LB_STORE_UNINDEXED; length 0 where there is none. NULL: they are
    /// looked through one by one.
    lb_slice (*LB_NULLABLE find_store)(
        const struct lb_context *LB_NONNULL context, const uint8_t *LB_NONNULL key, size_t length);
    uint8_t aborted;
    /// Writing ctx is an error: the body runs beside others.
    uint8_t ctx_read_only;
    /// Whether the callback is called on the way to the end of its run, so that its idempotency key is not that of the step
    /// itself: 0 for no, 1 for what undoes the step, 2 for the completion handler of the workflow.
    uint8_t closing;
    /// Receives the effects in the order in which the script made them; the host drains it after each return.
    ///
    /// A record is: u8 kind, u32 name length, name, u32 value length, flat value (length 0: no value).
    lb_bytes *LB_NULLABLE effects;
    /// A loop's results so far, as a flat array.
    lb_slice results;
    /// What says who called the run, an object: of a run that was taken from another one why it was, `{ run, caller? }`, of another
    /// one what it was started with for its trace, `{ traceparent? }`; length 0 where it was started with nothing.
    lb_slice trace;
    /// What the run is found by, an object; length 0 for nothing.
    lb_slice tags;
} lb_context;

/// As many entries of a store are faster found without the host.
enum { LB_STORE_UNINDEXED = 8 };

/// The kinds of an effect record. One of metadata, ctx, tags or a key of the store takes the place of the record before it that
/// says the same of the same.
enum {
    LB_EFFECT_EMIT = 1,
    LB_EFFECT_METADATA = 2,
    LB_EFFECT_CTX = 3,
    LB_EFFECT_STORE = 4,
    LB_EFFECT_LOG = 5,
    LB_EFFECT_TRACE = 6,
    LB_EFFECT_TAGS = 7,
};

typedef struct lb_vm lb_vm;
typedef struct lb_thread lb_thread;

/// How a call into Lua ended.
typedef enum lb_status {
    /// The result was appended to `out` as one flat value.
    LB_DONE = 0,
    /// An error object { code, message, retryable?, details?, where?, traceback? } was appended to `out`.
    ///
    /// The code is the script's own, the host's, or one of these: "error" (anything else that was raised), "syntax",
    /// "out_of_memory", "invalid_output" and "invalid_argument" (the message has the path of what cannot be encoded),
    /// "cannot_wait" (a request where no coroutine can be suspended), "ctx_read_only", "internal".
    LB_ERROR = 1,
    /// The coroutine waits for the host: see lb_thread_request.
    LB_REQUEST = 2,
    /// The coroutine was stopped and has been closed; an error object was appended to `out`, with the code "cancelled"
    /// (lb_vm_interrupt), "timeout" (lb_watch_deadline) or the one given to lb_close.
    LB_CANCELLED = 3,
} lb_status;

/// What a callback is given.
typedef enum lb_arg_kind {
    LB_ARG_NIL = 0,
    /// A flat value at `offset` of the context's arena (of `out` without a context).
    LB_ARG_SLICE = 1,
    /// A flat value of `length` bytes at `pointer`, which need only live until the call returns.
    LB_ARG_POINTER = 2,
    LB_ARG_CONTEXT = 3,
    LB_ARG_INTEGER = 4,
} lb_arg_kind;

typedef struct lb_arg {
    lb_arg_kind kind;
    uint32_t offset;
    size_t length;
    const uint8_t *LB_NULLABLE pointer;
    int64_t integer;
} lb_arg;

/// Bytes of the longest name that `require` takes; no system has a longer path.
#define LB_MODULE_NAME_LIMIT 4096

/// What the host offers. Callbacks return a status, and C raises the Lua error once they have returned.
typedef struct lb_config {
    /// In bytes; 0 means no limit. Only growth beyond it is refused.
    size_t memory_limit;
    /// Bytes of address space and data that growth leaves to the rest of the process; 0 where neither is limited.
    size_t memory_reserve;
    /// How long to-be-closed variables may run after a cancel, in nanoseconds; 0 means 50 ms.
    uint64_t close_grace;
    void *LB_NULLABLE user;
    /// A synchronous host function: appends one flat value to `response`, the result (true) or an error object (false).
    bool (*LB_NULLABLE sync)(
        void *LB_NULLABLE user, const char *LB_NONNULL op, size_t op_length, const uint8_t *LB_NONNULL payload,
        size_t payload_length, lb_bytes *LB_NONNULL response);
    /// Finds the source of a module. 1: found, source and chunk name ("@path") appended. 0: not found, `source` says in
    /// words where it looked. -1: an error, `source` is its message.
    int (*LB_NULLABLE load_module)(
        void *LB_NULLABLE user, const char *LB_NONNULL name, size_t name_length, lb_bytes *LB_NONNULL source,
        lb_bytes *LB_NONNULL chunk_name);
    /// The time that scripts see, in microseconds since 1970, and microseconds of a clock that nobody sets; NULL: the
    /// system's.
    int64_t (*LB_NULLABLE now)(void *LB_NULLABLE user);
    int64_t (*LB_NULLABLE elapsed)(void *LB_NULLABLE user);
} lb_config;

/// Makes a sandboxed VM bound to the calling thread; NULL when there is no memory for it.
lb_vm *LB_NULLABLE lb_vm_create(const lb_config *LB_NONNULL config);

/// Frees the VM and every coroutine in it; nothing of the script runs any more. Returns the bytes that leaked, always 0.
size_t lb_vm_destroy(lb_vm *LB_NONNULL vm);

/// The bytes that the VM holds now, and the most that it may hold.
size_t lb_vm_memory_used(const lb_vm *LB_NONNULL vm);
size_t lb_vm_memory_limit(const lb_vm *LB_NONNULL vm);
void lb_vm_set_memory_limit(lb_vm *LB_NONNULL vm, size_t bytes);

#ifdef LB_TESTING
/// Makes the Nth allocation from now fail, once; 0 turns it off. In builds for tests only, as is whether it has failed.
void lb_vm_fail_allocation(lb_vm *LB_NONNULL vm, size_t countdown);
bool lb_vm_failed_allocation(const lb_vm *LB_NONNULL vm);
#endif

/// A full garbage collection; also gives idle coroutines back.
void lb_vm_gc(lb_vm *LB_NONNULL vm);

/// Runs a trusted chunk with the bridge table as its one argument and keeps what it returns as module `name`.
///
/// The chunk's name is "=[aikit NAME]", so its frames are left out of tracebacks. LB_DONE appends null.
lb_status lb_load_prelude(
    lb_vm *LB_NONNULL vm, const char *LB_NONNULL name, const char *LB_NONNULL source, size_t length,
    lb_bytes *LB_NONNULL out);

/// Compiles a script (text only) and runs its main chunk in an environment of its own.
///
/// `chunk_name` is "@path". What the chunk returns goes to the function given to bridge.set_collect, whose result LB_DONE
/// appends; without a collector LB_DONE appends the slot of a function that the chunk returned, or null. A syntax error has
/// the code "syntax".
lb_status lb_load(
    lb_vm *LB_NONNULL vm, const char *LB_NONNULL source, size_t length, const char *LB_NONNULL chunk_name,
    lb_context *LB_NULLABLE context, lb_bytes *LB_NONNULL out, lb_thread *LB_NULLABLE *LB_NONNULL suspended);

/// Calls the function in `slot` on a pooled coroutine: decodes the arguments, calls, encodes the one result onto `out`.
///
/// A slot made with "two" appends an array of both results. `*suspended` is set with LB_REQUEST only; that thread is alive
/// until a status other than LB_REQUEST comes back for it, and all of its outstanding requests are void then.
lb_status lb_call(
    lb_vm *LB_NONNULL vm, uint32_t slot, lb_context *LB_NULLABLE context, const lb_arg *LB_NULLABLE args, size_t argc,
    lb_bytes *LB_NONNULL out, lb_thread *LB_NULLABLE *LB_NONNULL suspended);

/// Answers the request `token` of a suspended coroutine with one flat value, a result or an error object, and goes on.
///
/// An answer to a token that is not outstanding is ignored: LB_REQUEST without new requests.
lb_status lb_resume(
    lb_vm *LB_NONNULL vm, lb_thread *LB_NONNULL thread, uint32_t token, bool ok, const uint8_t *LB_NONNULL value,
    size_t length, lb_bytes *LB_NONNULL out);

/// Cancels a suspended coroutine: appends an error object { code, message, traceback }, then runs its to-be-closed
/// variables under the grace budget. The thread is gone afterwards. Always LB_CANCELLED.
lb_status lb_close(
    lb_vm *LB_NONNULL vm, lb_thread *LB_NONNULL thread, const char *LB_NONNULL code, const char *LB_NONNULL message,
    lb_bytes *LB_NONNULL out);

/// One thing asked of the host; the pointers are valid until the next call into the VM.
typedef struct lb_request {
    const char *LB_NULLABLE op;
    size_t op_length;
    const uint8_t *LB_NULLABLE payload;
    size_t payload_length;
    /// Unique within the VM; lb_resume gives it back.
    uint32_t token;
    /// The number of the span in which it was made, 0 for none; -1 where the prelude keeps none. See bridge.inherit.
    int64_t span;
} lb_request;

/// The requests that the last call made: one, except under bridge.all, where several may be made or none.
uint32_t lb_thread_request_count(const lb_thread *LB_NONNULL thread);
lb_request lb_thread_request(const lb_thread *LB_NONNULL thread, uint32_t index);

/// Requests that the script gave up during the last call, though the coroutine lives on (a sibling in bridge.all failed).
uint32_t lb_thread_abandoned_count(const lb_thread *LB_NONNULL thread);
uint32_t lb_thread_abandoned(const lb_thread *LB_NONNULL thread, uint32_t index);

/// A word of the host's own, 0 in a new thread.
uintptr_t lb_thread_tag(const lb_thread *LB_NONNULL thread);
void lb_thread_set_tag(lb_thread *LB_NONNULL thread, uintptr_t tag);

/// The number of function slots made so far; slots are 1...count.
uint32_t lb_vm_slot_count(const lb_vm *LB_NONNULL vm);

/// Writes the place of the `end` of the function in a slot as "file:line"; false for a function of no script.
bool lb_vm_slot_end(lb_vm *LB_NONNULL vm, uint32_t slot, char *LB_NONNULL text, size_t size);

/// Says whose code runs from now on: `token` is never reused and not 0. Called when the worker turns to a run.
///
/// A canceller marks the run cancelled, then calls lb_vm_interrupt; the worker calls lb_watch_begin, then looks at the mark:
/// one of them sees the other.
void lb_watch_begin(lb_vm *LB_NONNULL vm, uint64_t token);

/// The worker has turned away from the run.
void lb_watch_end(lb_vm *LB_NONNULL vm);

/// The time on CLOCK_MONOTONIC in nanoseconds at which what runs is stopped with the code "timeout"; 0 means never.
void lb_watch_deadline(lb_vm *LB_NONNULL vm, uint64_t deadline);

/// Limits the next entry into Lua, between lb_watch_begin and lb_watch_end: the time on CLOCK_MONOTONIC, as above, and the CPU
/// time of the thread in nanoseconds that it may use before it is stopped with the code "timeout"; 0 for none of either.
void lb_watch_limits(lb_vm *LB_NONNULL vm, uint64_t deadline, uint64_t cpu);

/// The CPU time that the last entry into Lua used, in nanoseconds: less than it was by up to 4 ms, and 0 for short ones.
uint64_t lb_watch_spent(const lb_vm *LB_NONNULL vm);

/// Whether the code of the VM is being stopped, or will be at its next entry: for host code that works on its behalf.
bool lb_watch_is_stopping(const lb_vm *LB_NONNULL vm);

/// Stops what runs for `token`, now and whenever it is resumed; false when the VM works for somebody else. From any thread.
bool lb_vm_interrupt(lb_vm *LB_NONNULL vm, uint64_t token);

/// The same for whatever token the VM works for; no-op while it works for none. From any thread.
void lb_vm_interrupt_any(lb_vm *LB_NONNULL vm);

/// The name of a global that scripts have, by an index from 0; NULL behind the last.
const char *LB_NULLABLE lb_global_name(size_t index);

/// The text by which the Lua library that runs names its release: "$LuaVersion: Lua 5.4.6  Copyright …". Never freed.
const char *LB_NONNULL lb_lua_ident(void);

#ifdef __cplusplus
}
#endif

#endif
