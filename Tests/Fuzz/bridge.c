// Fuzzes the bridge under AddressSanitizer: flat values that are damaged, handlers made at random of everything that suspends,
// closes, fails and is stopped, driven by a host that answers and closes at random, and the libraries beside Lua's own.
// Run by scripts/test-fuzz.sh:  fuzz SECONDS SEED…   each seed of the corpus first, then SECONDS of new ones from the last on.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define FAIL(...) (fprintf(stderr, "seed %llu: ", (unsigned long long)seed), fprintf(stderr, __VA_ARGS__), exit(1))
#define MOST_SUSPENDED 6

static uint64_t seed, state;
static lb_vm *vm;

static uint32_t pick(uint32_t count) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % count;
}

// MARK: Handlers

static const char prelude[] =
    "local bridge = ...\n"
    "bridge.set_context_methods { emit = function(c, e) bridge.context_effect(c, 'emit', e.type, e.data) end }\n"
    "local function schema(f) return bridge.lease(1, { bridge.function_slot(f) }) end\n"
    "return { wait = function(v) return bridge.request('wait', v) end, all = bridge.all, null = bridge.null,\n"
    "  sync = bridge.sync, readonly = bridge.readonly, schema = schema, released = bridge.released }\n";

/// Where '$' stands comes another fragment.
static const char *const fragments[] = {
    "test.wait(1)",
    "test.wait { a = { 1, 2, 'text' } }",
    "$ $",
    "pcall(function() $ end)",
    "xpcall(function() $ end, function(e) return e end)",
    "do local x <close> = setmetatable({}, { __close = function() $ end }) $ end",
    "do local x <close> = setmetatable({}, { __close = function() pcall(function() $ end) end }) $ end",
    "coroutine.wrap(function() $ end)()",
    "pcall(coroutine.wrap(function() $ end))",
    "do local co = coroutine.create(function() $ $ end) keep[#keep % 8 + 1] = co coroutine.resume(co) end",
    "do local co co = coroutine.create(function() keep[1] = co $ end) pcall(coroutine.resume, co) end",
    "if keep[1] then pcall(coroutine.resume, keep[1]) end",
    "if keep[2] then pcall(coroutine.resume, keep[2], 1, 2, 3) end",
    "if keep[1] then pcall(coroutine.close, keep[1]) end",
    "if keep[3] then pcall(function() local x <close> = keep[3] end) end",
    "if keep[1] then tostring(coroutine.status(keep[1])) end",
    "test.all { function() $ end, function() $ end }",
    "pcall(test.all, { function() $ end, function() error 'sibling' end })",
    "pcall(coroutine.yield, 1)",
    "error { code = 'c', message = 'm', details = { 1, { 2 } } }",
    "error(setmetatable({}, { __tostring = function() $ return 'x' end }))",
    "test.sync('interrupt', 1)",
    "test.sync('fail', 7)",
    "test.sync('fail', 40)",
    "pcall(test.sync, 'refuse', 1)",
    "saved = context",
    "pcall(function() return saved.store.k, saved.ctx, saved.input end)",
    "context.store.k = { #keep }",
    "if context.store.k then context.store.k[2] = { 1, 'text' } end",
    "do local t = context.store.k $ if t then t.x = nil t[#t + 1] = context.store.k end end",
    "for k, v in pairs(context.store) do if type(v) == 'table' then v[1] = print end end",
    "pcall(function() context.store.k = function() end end)",
    "pcall(function() for k, v in pairs(context.store) do local _ = v end end)",
    "pcall(function() for k in pairs(context.ctx) do $ end end)",
    "pcall(pairs(context.ctx), 'text', 1)",
    "context:emit { type = 't', data = { 1, 2 } }",
    "for i = 1, 50 do local t = { i, tostring(i) } end",
    "pcall(load, 'return ' .. ('('):rep(50))",
    "('%s %p'):format(keep, print)",
    "table.sort({ 3, 1, 2 }, function(a, b) pcall(function() $ end) return a < b end)",
    "pcall(function() ('abc'):gsub('.', function() $ end) end)",
    "pcall(test.schema, function() $ end)",
    "test.released()",
    "keep = {}",
    "pcall(function() require 'missing' end)",
};
#define FRAGMENT_COUNT (sizeof fragments / sizeof *fragments)

static void write_fragment(char *text, size_t size, int depth) {
    const char *fragment = depth > 4 ? fragments[pick(2)] : fragments[pick(FRAGMENT_COUNT)];
    size_t used = strlen(text);
    for (; *fragment && used + 2 < size; fragment++) {
        if (*fragment == '$') {
            write_fragment(text, size, depth + 1);
            used = strlen(text);
        } else {
            text[used++] = *fragment;
            text[used] = 0;
        }
    }
}

static bool put(lb_bytes *to, const void *bytes, size_t length) {
    to->data = realloc(to->data, to->count + length);
    memcpy(to->data + to->count, bytes, length);
    to->count += length;
    to->capacity = to->count;
    return true;
}

static bool sync_call(void *user, const char *op, size_t length, const uint8_t *payload, size_t payload_length, lb_bytes *response) {
    (void)user;
    if (length == 9) lb_vm_interrupt(vm, 7);
    if (length == 4) lb_vm_fail_allocation(vm, payload_length > 1 ? payload[1] : 1);
    put(response, payload, payload_length);
    return !(length == 6 && memcmp(op, "refuse", 6) == 0);
}

typedef struct step {
    lb_thread *thread;
    lb_context context;
    lb_bytes effects;
    uint32_t tokens[32], count;
} step;

static lb_bytes out;

static void free_step(step *s) {
    free(s->effects.data);
    free(s);
}

/// Notes what a call has asked for, or lets the step go when it has ended.
static bool settle(step *s, lb_status status) {
    if (status != LB_REQUEST) {
        free_step(s);
        return false;
    }
    for (uint32_t i = 0; i < lb_thread_request_count(s->thread) && s->count < 32; i++)
        s->tokens[s->count++] = lb_thread_request(s->thread, i).token;
    return true;
}

static bool begin_step(step **suspended, uint32_t slot) {
    static const uint8_t value[] = {7, 1, 0, 0, 0, 14, 0, 0, 0, 1, 0, 0, 0, 'a', 3, 5, 0, 0, 0, 0, 0, 0, 0};
    step *s = calloc(1, sizeof *s);
    out.count = 0;
    put(&out, value, sizeof value);
    s->context = (lb_context){.arena = &out, .effects = &s->effects, .run_id = "r", .path = "p", .attempt = 1,
                              .ctx = {0, sizeof value}, .input = {0, sizeof value}};
    lb_arg args[2] = {{.kind = LB_ARG_POINTER, .pointer = value, .length = sizeof value}, {.kind = LB_ARG_CONTEXT}};
    *suspended = s;
    lb_status status = lb_call(vm, slot, &s->context, args, 2, &out, &s->thread);
    return settle(s, status);
}

static void end_step(step *s) {
    lb_close(vm, s->thread, "cancelled", "closed", &out);
    free_step(s);
}

static void run_handlers(void) {
    char text[6000] = "local test, keep, saved = require 'test', {}, nil return function(input, context) ";
    write_fragment(text, sizeof text - 200, 0);
    strcat(text, " ");
    write_fragment(text, sizeof text - 200, 0);
    strcat(text, " end");
    lb_config config = {.memory_limit = (size_t)16 << 20, .close_grace = 2000000, .sync = sync_call};
    vm = lb_vm_create(&config);
    lb_thread *thread = NULL;
    out.count = 0;
    if (lb_load_prelude(vm, "test", prelude, strlen(prelude), &out) != LB_DONE) FAIL("prelude\n");
    out.count = 0;
    // A text that was cut does not compile, and is of no use.
    if (lb_load(vm, text, strlen(text), "@fuzz.lua", NULL, &out, &thread) == LB_DONE) {
        uint32_t slot = lb_vm_slot_count(vm);
        step *steps[MOST_SUSPENDED];
        uint32_t count = 0;
        for (int turn = 0; turn < 40; turn++) {
            lb_watch_begin(vm, 7);
            uint32_t action = pick(10);
            if (count == 0 || (action < 3 && count < MOST_SUSPENDED)) {
                if (begin_step(&steps[count], slot)) count++;
            } else {
                uint32_t at = pick(count);
                step *s = steps[at];
                bool alive = true;
                if (action == 3 || s->count == 0) {
                    end_step(s);
                    alive = false;
                } else if (action == 4) {
                    lb_vm_gc(vm);
                } else {
                    static const uint8_t answer[] = {5, 1, 0, 0, 0, 'x'};
                    uint32_t index = pick(s->count), token = s->tokens[index];
                    s->tokens[index] = s->tokens[--s->count];
                    out.count = 23;
                    alive = settle(s, lb_resume(vm, s->thread, token, action != 5, answer, sizeof answer, &out));
                }
                if (!alive) steps[at] = steps[--count];
            }
            lb_vm_fail_allocation(vm, 0);
            lb_watch_end(vm);
            lb_watch_begin(vm, 8);
            lb_watch_end(vm);
        }
        while (count > 0) end_step(steps[--count]);
    }
    if (lb_vm_destroy(vm) != 0) FAIL("bytes leaked by\n%s\n", text);
}

// MARK: Flat values

static void write_value(lb_bytes *to, int depth) {
    uint8_t tag = (uint8_t)pick(depth > 5 ? 6 : 9);
    static const uint8_t zeros[16];
    put(to, &tag, 1);
    if (tag == TAG_INT || tag == TAG_DOUBLE) {
        uint64_t word = pick(4) ? pick(1000) : state;
        put(to, &word, 8);
    } else if (tag == TAG_STRING) {
        uint32_t length = pick(20);
        put(to, &length, 4);
        for (uint32_t i = 0; i < length; i++) put(to, &(char){(char)('a' + pick(26))}, 1);
    } else if (tag == TAG_ARRAY || tag == TAG_OBJECT) {
        uint32_t count = 1 + pick(5);
        size_t start = to->count;
        put(to, zeros, 8);
        for (uint32_t i = 0; i < count; i++) {
            if (tag == TAG_OBJECT) {
                uint32_t length = 1 + pick(6);
                put(to, &length, 4);
                for (uint32_t k = 0; k < length; k++) put(to, &(char){(char)('a' + pick(26))}, 1);
            }
            write_value(to, depth + 1);
        }
        put_u32(to->data + start, count);
        put_u32(to->data + start + 4, (uint32_t)(to->count - start - 8));
    }
}

/// A damaged value is refused or read as another one, and what comes back crosses again unchanged.
static void run_values(void) {
    lb_config config = {.memory_limit = (size_t)64 << 20};
    vm = lb_vm_create(&config);
    static const char source[] = "return function(value) return value end";
    lb_thread *thread = NULL;
    out.count = 0;
    if (lb_load(vm, source, sizeof source - 1, "@fuzz.lua", NULL, &out, &thread) != LB_DONE) FAIL("cannot load\n");
    for (int round = 0; round < 200; round++) {
        lb_bytes value = {0};
        write_value(&value, 0);
        for (uint32_t damage = pick(4); damage > 0; damage--) {
            if (pick(3) == 0) value.count = 1 + pick((uint32_t)value.count);
            else value.data[pick((uint32_t)value.count)] = (uint8_t)pick(pick(2) ? 12 : 256);
        }
        // A block of its own size, so that a read behind the end is seen.
        uint8_t *exact = malloc(value.count);
        memcpy(exact, value.data, value.count);
        lb_arg arg = {.kind = LB_ARG_POINTER, .pointer = exact, .length = value.count};
        out.count = 0;
        lb_status status = lb_call(vm, 1, NULL, &arg, 1, &out, &thread);
        if (status == LB_DONE) {
            lb_bytes again = {0};
            arg.pointer = out.data;
            arg.length = out.count;
            if (lb_call(vm, 1, NULL, &arg, 1, &again, &thread) != LB_DONE || again.count != out.count)
                FAIL("a value that was encoded is not taken back\n");
            free(again.data);
        } else if (status != LB_ERROR) {
            FAIL("status %d\n", status);
        }
        free(exact);
        free(value.data);
    }
    if (lb_vm_destroy(vm) != 0) FAIL("bytes leaked\n");
}

// MARK: Libraries

static int random_number(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)pick((uint32_t)luaL_checkinteger(L, 1)) + 1);
    return 1;
}

static int print_line(lua_State *L) {
    puts(luaL_checkstring(L, 1));
    return 0;
}

static int compare_libraries(lua_State *L) {
    static const luaL_Reg libraries[] = {
        {"string", luaopen_string}, {"table", luaopen_table}, {"math", luaopen_math}, {"utf8", luaopen_utf8}, {NULL, NULL},
    };
    if (luaL_loadfile(L, "Tests/Fuzz/libraries.lua") != LUA_OK) return lua_error(L);
    lua_pushcfunction(L, print_line);
    lua_setglobal(L, "print");
    push_environment(L, 0);
    lua_getfield(L, -1, "load");
    lua_setglobal(L, "load");
    lua_pop(L, 1);
    lua_pushglobaltable(L);
    lua_newtable(L);
    for (const luaL_Reg *library = libraries; library->name; library++) {
        lua_pushcfunction(L, library->func);
        lua_call(L, 0, 1);
        lua_setfield(L, -2, library->name);
    }
    lua_pushcfunction(L, random_number);
    lua_call(L, 3, 1);
    return 1;
}

static void run_libraries(void) {
    lb_config config = {.memory_limit = (size_t)64 << 20};
    vm = lb_vm_create(&config);
    lua_State *L = vm->L;
    lua_pushcfunction(L, compare_libraries);
    if (lua_pcall(L, 0, 1, 0) != LUA_OK) FAIL("%s\n", lua_tostring(L, -1));
    if (lua_tointeger(L, -1) != 0) FAIL("%lld calls differ from Lua's\n", (long long)lua_tointeger(L, -1));
    lua_settop(L, 0);
    if (lb_vm_destroy(vm) != 0) FAIL("bytes leaked\n");
}

static void run_seed(uint64_t chosen) {
    seed = state = chosen;
    pick(1);
    switch (seed % 8) {
    case 0: run_libraries(); return;
    case 1: run_values(); return;
    default: run_handlers();
    }
}

typedef struct task {
    int count;
    char **arguments;
} task;

static void *run(void *argument) {
    const task *task = argument;
    uint64_t last = 0, runs = 0;
    for (int i = 2; i < task->count; i++, runs++) run_seed(last = strtoull(task->arguments[i], NULL, 10));
    for (time_t end = time(NULL) + atoi(task->arguments[1]); time(NULL) < end; runs++) run_seed(++last);
    printf("%llu runs, the last with seed %llu\n", (unsigned long long)runs, (unsigned long long)seed);
    free(out.data);
    return NULL;
}

int main(int count, char **arguments) {
    if (count < 2) return fprintf(stderr, "usage: fuzz SECONDS SEED…\n"), 2;
    pthread_attr_t attributes;
    pthread_t thread;
    task task = {count, arguments};
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)16 << 20);
    if (pthread_create(&thread, &attributes, run, &task) != 0) return 2;
    pthread_join(thread, NULL);
    return 0;
}
