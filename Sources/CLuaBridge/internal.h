// What the files of the bridge share. Functions marked RAISES may longjmp: they are called inside a coroutine or a
// protected call only, and hold nothing that would have to be freed. Everything else returns.
#ifndef AIKIT_LUA_BRIDGE_INTERNAL_H
#define AIKIT_LUA_BRIDGE_INTERNAL_H

#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <string.h>

#include "vm.h"

// bytes.c
bool bytes_grow(lb_bytes *bytes, size_t extra);
static inline bool bytes_reserve(lb_bytes *bytes, size_t extra) {
    return likely(bytes->capacity - bytes->count >= extra) || bytes_grow(bytes, extra);
}
bool bytes_append(lb_bytes *bytes, const void *source, size_t length);
bool bytes_text(lb_bytes *bytes, const char *text);
void bytes_free(lb_bytes *bytes);
/// Empties a buffer that is used again and again; one value of many megabytes does not stay for ever.
static inline void bytes_clear(lb_bytes *bytes) {
    bytes->count = 0;
    if (unlikely(bytes->capacity > ((size_t)1 << 20))) bytes_free(bytes);
}
static inline void put_u32(uint8_t *at, uint32_t word) { memcpy(at, &word, 4); }
static inline uint32_t get_u32(const uint8_t *at) {
    uint32_t word;
    memcpy(&word, at, 4);
    return word;
}

// allocator.c
void *allocate(void *user, void *block, size_t old_size, size_t new_size);
void allocator_init(lb_vm *vm);
void allocator_release(lb_vm *vm);
/// Gives the chunks in which nothing lies back to the system.
void allocator_trim(lb_vm *vm);
/// Whether the VM may hold that many bytes besides what it holds now.
bool may_hold(lb_vm *vm, size_t extra);

// codec_decode.c
/// Pushes the value. RAISES.
void decode_value(lua_State *L, const uint8_t *at, size_t length);
/// The same with the table of cached keys, which push_keys has pushed, at the stack index `keys`. RAISES.
void decode_with_keys(lua_State *L, const uint8_t *at, size_t length, int keys);
void push_keys(lua_State *L);

// codec_encode.c
/// Appends the value at `index`; on false nothing was appended and vm->message says what is wrong with `root`.
bool encode_value(lua_State *L, int index, lb_bytes *out, const char *root);
/// encode_value; with `takes_bytes` strings (keys aside) may be any bytes.
bool encode_payload(lua_State *L, int index, lb_bytes *out, const char *root, bool takes_bytes);

// utf8.c
/// The length of the longest valid text at the start.
size_t utf8_prefix(const uint8_t *bytes, size_t length);
static inline bool utf8_valid_long(const uint8_t *bytes, size_t length) {
    return utf8_prefix(bytes, length) == length;
}

/// Whether the bytes are well-formed UTF-8. Keys and words are mostly short and ASCII: two loads that overlap decide those.
static inline bool utf8_valid(const uint8_t *bytes, size_t length) {
    if (length < 4) {
        // Three loads that may be of the same byte.
        if (length == 0 || likely(((bytes[0] | bytes[length / 2] | bytes[length - 1]) & 0x80) == 0)) return true;
    } else if (length <= 16) {
        if (length < 8) {
            if (likely(((get_u32(bytes) | get_u32(bytes + length - 4)) & 0x80808080u) == 0)) return true;
        } else {
            uint64_t first, last;
            memcpy(&first, bytes, 8);
            memcpy(&last, bytes + length - 8, 8);
            if (likely(((first | last) & 0x8080808080808080u) == 0)) return true;
        }
    }
    return utf8_valid_long(bytes, length);
}

// errors.c
/// The message handler of every protected call: notes the traceback while the frames still stand.
int note_traceback(lua_State *L);
/// Has the messages that a script catches name its own line where Lua put a place of the library: replaces pcall and xpcall of
/// the table on top.
void replace_protected_calls(lua_State *L);
void write_traceback(lua_State *L, lb_bytes *out, char *where, size_t where_size);
/// Appends the error object for the value on top of L. RAISES.
void encode_error(lua_State *L, int index, int status, lb_bytes *out);
/// Appends an error object of plain texts; returns always.
void append_plain_error(lb_vm *vm, const char *code, const char *message, lb_bytes *out);
/// Writes "file:line" of the nearest script frame from `level` on; false when there is none.
bool script_where(lua_State *L, int level, char *text, size_t size);
/// Raises an error object { code, message } of ours. RAISES.
int raise_error(lua_State *L, const char *code, const char *format, ...) __attribute__((format(printf, 3, 4)));

// interrupt.c
#define STOP_SIGNAL SIGURG
#ifdef __ELF__
#define TLS_MODEL __attribute__((tls_model("initial-exec")))
#else
#define TLS_MODEL
#endif
/// The VM whose step runs on this thread; read by the signal handler, hence the model that never allocates.
extern _Thread_local lb_vm *working TLS_MODEL;
void arm_hook(lua_State *L);
/// Whether somebody wants to stop the step that begins.
void look_for_interrupt(lb_vm *vm);

static inline void step_enter(lb_vm *vm, lua_State *co) {
    working = vm;
    atomic_store_explicit(&vm->entry, atomic_load_explicit(&vm->entry, memory_order_relaxed) + 1, memory_order_relaxed);
    atomic_store_explicit(&vm->epoch, atomic_load_explicit(&vm->epoch, memory_order_relaxed) + 1, memory_order_relaxed);
    vm->running = co;
    // A signal before this point found nothing running; what it came for is seen here.
    atomic_signal_fence(memory_order_seq_cst);
    if (unlikely(atomic_load_explicit(&vm->attention, memory_order_relaxed))) look_for_interrupt(vm);
}

static inline void step_leave(lb_vm *vm, lua_State *co) {
    vm->running = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&vm->epoch, atomic_load_explicit(&vm->epoch, memory_order_relaxed) + 1, memory_order_relaxed);
    // The VM may be gone when the next signal comes.
    working = NULL;
    if (unlikely(vm->interrupting)) lua_sethook(co, NULL, 0, 0);
}
void interrupt_setup(void);
void watch_forget(lb_vm *vm);
/// Closes a coroutine; its to-be-closed variables have the grace budget. Returns what lua_resetthread returns.
int close_with_grace(lb_vm *vm, lua_State *co);
int raise_interrupt(lua_State *L);
/// For loops in C: RAISES when the step is being stopped.
void check_interrupt(lua_State *L);

// worker.c
/// The calling thread, with one more owner; NULL without memory.
worker *worker_retain(void);
void worker_release(worker *worker);
/// Sends the signal that stops code. No-op once the thread has ended. From any thread.
void worker_signal(worker *worker, int number);
/// The CPU time of the thread in nanoseconds; 0 once it has ended. From any thread.
uint64_t worker_cpu_time(worker *worker);

// thread.c
/// An idle coroutine, or NULL without memory.
lb_thread *thread_take(lb_vm *vm);
void thread_recycle(lb_vm *vm, lb_thread *thread);
void thread_discard(lb_vm *vm, lb_thread *thread);
void threads_release(lb_vm *vm);

// request.c
int bridge_request(lua_State *L);
int bridge_sync(lua_State *L);
/// Calls the synchronous host function with the value at `index` and pushes what it answers. RAISES.
void call_sync(lua_State *L, const char *op, int index, bool takes_bytes);
bool pending_add(lb_thread *thread, uint32_t token, lua_State *asker);
/// Tells every bridge.all around a request which child the answer is for.
void route_answer(const pending *found);
bool pending_remove(lb_thread *thread, uint32_t token, pending *found);
/// Takes back what a coroutine that is being closed has asked for: nobody waits for the answer any more.
void pending_abandon(lb_vm *vm, const lua_State *asker);
/// Takes back the request at `index` of the thread's list, which stays where it is until pending_compact.
void abandon_at(lb_vm *vm, lb_thread *thread, uint32_t index);
/// Takes what is not outstanding out of the thread's list, when that is most of it.
void pending_compact(lb_thread *thread);

// effects.c
/// Finds what the call has made of the store's key, or of metadata or ctx (without a name); false where it has not changed
/// them. A removed key has the length 0. RAISES.
bool effects_find(
    lua_State *L, const lb_context *context, uint8_t kind, const char *name, size_t name_length, const uint8_t **value,
    size_t *length);
/// Appends a record whose value is at the stack index (0: none). RAISES, and then appends nothing.
void effects_add(
    lua_State *L, const lb_context *context, uint8_t kind, const char *name, size_t name_length, int index,
    const char *root);
/// The key of the next change of the store, from `at` on, which then stands behind it; false at the end. A key may come again.
bool effects_next_key(const lb_bytes *effects, size_t *at, const char **key, size_t *length);
/// Frees the index.
void effects_forget(lb_vm *vm);

// store.c
/// Pushes what the store has under a key; a table is the same at each look, and what is written into it is kept. RAISES.
void store_push(lua_State *L, const lb_context *context, lb_thread *thread, const char *key, size_t key_length);
/// Stores the value at the absolute index; the key ends with a zero. RAISES.
void store_assign(lua_State *L, const lb_context *context, lb_thread *thread, const char *key, size_t key_length, int index);
/// Stores what the call has written into the store's tables. Called before it waits and when it has ended. RAISES.
void store_flush(lua_State *L, lb_thread *thread);

// place.c
/// Writes what keeps `co` from being suspended.
void describe_place(lua_State *co, lua_State *L, char *text, size_t size);

// coroutine.c
/// A coroutine that will call the function at the index; pushed, and returned. RAISES.
lua_State *new_coroutine(lua_State *L, int function);
/// The number of the span under way in the running coroutine, by the table of bridge.inherit: 0 for none, -1 without a table. RAISES.
int64_t open_span(lua_State *L);
/// bridge.inherit(t): a coroutine that is made gets what its maker has in t, whose keys are coroutines and whose values are the
/// innermost spans `{ index, outer?, ended? }`.
int bridge_inherit(lua_State *L);
/// lua_resume that keeps track of what runs now. The error or the results are on `co`.
int resume_tracked(lua_State *L, lua_State *co, int count, int *results);
/// Ends a coroutine that an interrupt has suspended.
void stop_coroutine(lua_State *L, lua_State *co);
/// Closes a suspended coroutine; what lua_resetthread returns. RAISES when closes are nested too deep.
int close_coroutine(lua_State *L, lua_State *co);

// The rest makes libraries. RAISES, all of them.
void open_sandbox(lua_State *L);       // sandbox.c
/// Pushes globals for one chunk: the libraries, and the fields of the registry's table `more` (0: none).
void push_environment(lua_State *L, int more);  // sandbox.c
/// What a script may have meant whose error has this message; NULL for nothing. The text lives as long as the program.
const char *hint_for(const char *message, size_t length);  // hints.c
/// What to write in place of a global that other programs have; NULL where nothing is known.
const char *hint_for_global(const char *name);  // hints.c
void open_time(lua_State *L);          // time_library.c
int bridge_now(lua_State *L);
void random_init(lb_vm *vm);           // random.c; raises nothing
int math_random(lua_State *L);
int bridge_uuid(lua_State *L);
const char *suggest(lua_State *L, const char *word, int table);  // suggest.c
int bridge_suggest(lua_State *L);      // suggest.c
void open_coroutine(lua_State *L);     // coroutine.c
/// Replaces a long text by the number that it is the numeral of, if it is one.
void shorten_numeral(lua_State *L, int index);            // numeral.c
void shorten_numerals(lua_State *L, const char *name);    // all arguments of a function in the table on top
void shorten_packed_numerals(lua_State *L);               // of pack in the table on top
void replace_extremes(lua_State *L);                      // max and min in the table on top
void replace_format(lua_State *L);                        // format.c: in the table on top
void replace_string_functions(lua_State *L);  // string_library.c: in the table on top
void replace_table_functions(lua_State *L);   // table_library.c: in the table on top
void open_context(lua_State *L);       // context.c
void push_context(lua_State *L, lb_thread *thread);  // context.c
int bridge_context_get(lua_State *L);
int bridge_context_effect(lua_State *L);
int bridge_set_context_methods(lua_State *L);
int bridge_readonly(lua_State *L);     // readonly.c
int bridge_protect(lua_State *L);
/// Replaces the table on top by a view of it; `message` says what refuses to be written, with %s for the field.
void push_view(lua_State *L, const char *message);
/// Makes the table at `view` a view of the one at `original`, whose fields are what they are; pushes the view's metatable, to
/// be completed and set.
void push_view_metatable(lua_State *L, int original);
int safe_next(lua_State *L);
int safe_rawget(lua_State *L);
int safe_rawlen(lua_State *L);
/// Whether scripts may not write to the table, even raw.
bool is_protected(lua_State *L, int index);
void open_text(lua_State *L);          // text.c
void push_identity(lua_State *L, int index);  // what %p shows of the value
int safe_tostring(lua_State *L);       // text.c
/// Pushes the text of the value, as tostring gives it, and returns it. RAISES.
/// Puts the path in place of its shortened form, `...rest/of/it.lua:`, that the text on top may begin with. RAISES.
void lengthen_place(lua_State *L, const char *path, size_t length);  // text.c
const char *text_of(lua_State *L, int index, size_t *length);  // text.c
/// Pushes the text of a value as print shows it: that of a table which is plain data is its content. RAISES.
void push_shown(lua_State *L, int index);  // show.c
bool push_readonly_original(lua_State *L, int index);
void open_bridge(lua_State *L);        // bridge_table.c
void open_slots(lua_State *L);         // slots.c
int bridge_function_slot(lua_State *L);
int bridge_lease(lua_State *L);
int bridge_released(lua_State *L);
int require_module(lua_State *L);      // require.c
int load_text(lua_State *L);           // load.c
/// luaL_loadbufferx for text, which an interrupt ends. RAISES then only.
int compile_text(lua_State *L, const char *text, size_t length, const char *chunk_name);
int bridge_all(lua_State *L);          // all.c

/// The address that stands for JSON null inside tables.
extern const char null_address;

#endif
