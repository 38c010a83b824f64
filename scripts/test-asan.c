// Drives the bridge through everything that allocates, under AddressSanitizer: the Nth allocation fails, for every N, and
// nothing aborts, leaks or is used after it was freed. Run by scripts/test-asan.sh.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define FAIL(...) (fprintf(stderr, __VA_ARGS__), exit(1))

static const char prelude[] =
    "local bridge = ...\n"
    "bridge.set_context_methods { emit = function(c, e) bridge.context_effect(c, 'emit', e.type, e.data) end }\n"
    "return { wait = function(v) return bridge.request('wait', v) end, all = bridge.all, null = bridge.null,\n"
    "  sync = bridge.sync, readonly = bridge.readonly, suggest = bridge.suggest, slot = bridge.function_slot,\n"
    "  lease = bridge.lease, released = bridge.released, inherit = bridge.inherit }\n";

/// Each is the body of a handler.
static const char *const bodies[] = {
    "return { a = 1, list = { 1, 2.5, 'three', true, test.null }, nested = { deep = { deeper = {} } } }",
    "return input",
    "error('plain')",
    "error({ code = 'c', message = 'm', details = { 1, 2 } })",
    "return test.wait { question = input }",
    "local n = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(test.wait(i)) end end)\n"
    "local s = 0 for v in n do s = s + 1 end return s",
    "return test.all { function() return test.wait(1) end, function() return test.wait(2) end }",
    "test.all { function() return test.wait(1) end, function() test.wait(2) error 'sibling' end }",
    "context:emit { type = 'x', data = { 1 } } context.store.key = { v = context.attempt }\n"
    "return { context.store.key, context.run_id, context.ctx, context.signal.aborted }",
    "context.store.t = { list = { 1, 2 }, gone = 1 } context.store.t.list[3] = { x = context.attempt }\n"
    "test.wait(1) context.store.t.gone = nil for _, v in pairs(context.store) do if type(v) == 'table' then v.y = 2 end end\n"
    "return context.store.t",
    "local x <close> = setmetatable({}, { __close = function() print 'closed' end }) return test.wait(1)",
    "return test.sync('echo', { 'a' })",
    "return test.sync('refuse', 1)",
    "return require('module').value",
    "return pritn",
    "return { x = print }",
    "return load('return ' .. tostring(1 + 1))()",
    "local t = {} for i = 1, 50 do t[i] = { id = i, name = 'item ' .. i } end return t",
    "return ('x'):rep(100):gsub('x', { x = 'yy' }) .. ('%d'):format(3) .. table.concat({ 1, 2, 3 }, ',')",
    "local t = test.readonly { a = { b = 1 } } return { pcall(function() t.a.b = 2 end), t.a.b }",
    "return coroutine.close(coroutine.create(function() end))",
    "local g = coroutine.wrap(function() local g = coroutine.wrap(function() return test.wait(1) end) return g() end)\n"
    "pcall(g) return test.wait(2)",
    "local t = test.readonly { a = 1 } for k, v in pairs(t) do t = { k, v } end return t",
    "return ('%s %s %p'):format(print, {}, coroutine.create(print)):len() > 0 and '10' + 1",
    "local x <close> = setmetatable({}, { __close = function() pcall(test.all, { function() error 'x' end, function() end }) end })\n"
    "return test.wait(1)",
    "error { code = 'c', message = ('m'):rep(300), details = { ('d'):rep(300) } }",
    "table.sort({ 3, 2, 1 }, function(a, b) test.wait(1) return a < b end)",
    "context.store[('k'):rep(300)] = { a = { print } }",
    "local spans = setmetatable({}, { __mode = 'k' }) test.inherit(spans)\n"
    "local outer = { index = 1 } spans[coroutine.running()] = { index = 2, outer = outer, ended = true }\n"
    "return { test.all { function() return test.wait(1) end, function() return spans[coroutine.running()].outer.index end },\n"
    "  coroutine.wrap(function() return test.wait(2) end)() }",
    "print(setmetatable({ [('k'):rep(50)] = { 1 }, [{}] = 2, b = { c = { 'd' } } }, { __mode = 'kv' }))",
};
#define BODY_COUNT (sizeof bodies / sizeof *bodies)

static bool put(lb_bytes *to, const void *bytes, size_t length) {
    to->data = realloc(to->data, to->count + length);
    memcpy(to->data + to->count, bytes, length);
    to->count += length;
    to->capacity = to->count;
    return true;
}

static bool sync_call(void *user, const char *op, size_t op_length, const uint8_t *payload, size_t length, lb_bytes *response) {
    (void)user;
    if (op_length == 6 && memcmp(op, "refuse", 6) == 0) {
        static const uint8_t error[] = {7, 1, 0, 0, 0, 10, 0, 0, 0, 4, 0, 0, 0, 'c', 'o', 'd', 'e', 3, 1};
        put(response, error, sizeof error - 2);
        static const uint8_t null = 0;
        put(response, &null, 1);
        response->data[5] = 9;
        return false;
    }
    return put(response, payload, length);
}

static int load_module(void *user, const char *name, size_t length, lb_bytes *source, lb_bytes *chunk_name) {
    (void)user;
    if (length != 6 || memcmp(name, "module", 6) != 0) return 0;
    put(source, "return { value = 7 }", 20);
    put(chunk_name, "@module.lua", 11);
    return 1;
}

typedef struct bench {
    lb_vm *vm;
    lb_bytes out, effects, input;
    lb_context context;
} bench;

static bool open_vm(bench *b) {
    lb_config config = {.memory_limit = (size_t)64 << 20, .sync = sync_call, .load_module = load_module};
    memset(b, 0, sizeof *b);
    b->vm = lb_vm_create(&config);
    if (!b->vm) return false;
    static const uint8_t input[] = {7, 2, 0, 0, 0, 28, 0, 0, 0, 1, 0, 0, 0, 'a', 3, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'b', 5, 4, 0, 0, 0, 't', 'e', 'x', 't'};
    put(&b->input, input, sizeof input);
    b->context = (lb_context){.arena = &b->out, .effects = &b->effects, .run_id = "run", .step_id = "step", .attempt = 1};
    return true;
}

static void close_vm(bench *b) {
    size_t leaked = lb_vm_destroy(b->vm);
    free(b->out.data);
    free(b->effects.data);
    free(b->input.data);
    if (leaked) FAIL("%zu bytes leaked\n", leaked);
}

static lb_status load_body(bench *b, const char *body) {
    char source[2000];
    lb_thread *suspended = NULL;
    int length = snprintf(source, sizeof source, "local test = require 'test'\nreturn function(input, context) %s end", body);
    b->out.count = 0;
    return lb_load(b->vm, source, (size_t)length, "@script.lua", NULL, &b->out, &suspended);
}

/// Calls slot 1 and answers what it asks; with `close_at` the coroutine is closed at that request instead.
static lb_status drive(bench *b, int close_at) {
    lb_thread *thread = NULL;
    lb_arg args[2] = {{.kind = LB_ARG_POINTER, .pointer = b->input.data, .length = b->input.count}, {.kind = LB_ARG_CONTEXT}};
    b->out.count = 0;
    b->effects.count = 0;
    lb_status status = lb_call(b->vm, lb_vm_slot_count(b->vm), &b->context, args, 2, &b->out, &thread);
    uint32_t tokens[64], asked = 0, answered = 0;
    for (int at = 0; status == LB_REQUEST; at++) {
        for (uint32_t i = 0; i < lb_thread_request_count(thread); i++) tokens[asked++ % 64] = lb_thread_request(thread, i).token;
        if (at == close_at) return lb_close(b->vm, thread, "cancelled", "closed by the test", &b->out);
        if (answered == asked) FAIL("stuck\n");
        static const uint8_t answer[] = {3, 9, 0, 0, 0, 0, 0, 0, 0};
        status = lb_resume(b->vm, thread, tokens[answered++ % 64], true, answer, sizeof answer, &b->out);
    }
    return status;
}

static void fail_each_allocation(void) {
    bench b;
    for (size_t i = 0; i < BODY_COUNT; i++) {
        size_t failures = 0;
        for (int close_at = -1; close_at < 2; close_at++) {
            for (size_t n = 1;; n++) {
                if (!open_vm(&b)) FAIL("no VM\n");
                if (lb_load_prelude(b.vm, "test", prelude, strlen(prelude), &b.out) != LB_DONE) FAIL("prelude\n");
                lb_vm_fail_allocation(b.vm, n);
                lb_status status = load_body(&b, bodies[i]);
                if (status == LB_DONE) drive(&b, close_at);
                bool reached = lb_vm_failed_allocation(b.vm);
                lb_vm_fail_allocation(b.vm, 0);
                // The VM goes on as if nothing had happened.
                if (load_body(&b, "return 1") != LB_DONE || drive(&b, -1) != LB_DONE) FAIL("body %zu: unusable after failure %zu\n", i, n);
                close_vm(&b);
                if (!reached) break;
                failures++;
            }
        }
        printf("body %2zu: %zu failed allocations survived\n", i, failures);
    }
}

/// What a handler leaves for the host is charged to its VM, and what it makes for itself goes when nothing refers to it.
static void charge_handlers(void) {
    static const char *const floods[] = {
        "for i = 1, 1000 do context:emit { type = 'x', data = ('x'):rep(1 << 20) } end",
        "for i = 1, 1000 do context.store['k' .. i] = ('x'):rep(1 << 20) end",
        "local list = {} for i = 1, 1000 do list[i] = function() test.wait(('x'):rep(1 << 20)) end end test.all(list)",
    };
    bench b;
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        if (!open_vm(&b)) FAIL("no VM\n");
        if (lb_load_prelude(b.vm, "test", prelude, strlen(prelude), &b.out) != LB_DONE) FAIL("prelude\n");
        if (load_body(&b, floods[i]) != LB_DONE) FAIL("cannot load: %s\n", floods[i]);
        if (drive(&b, -1) != LB_ERROR) FAIL("not refused: %s\n", floods[i]);
        if (b.effects.count > (size_t)66 << 20) FAIL("%zu bytes of effects\n", b.effects.count);
        close_vm(&b);
    }
    if (!open_vm(&b)) FAIL("no VM\n");
    if (lb_load_prelude(b.vm, "test", prelude, strlen(prelude), &b.out) != LB_DONE) FAIL("prelude\n");
    static const char leases[] =
        "local released = 0 for i = 1, 20000 do test.lease(i, { test.slot(function() return i end) })\n"
        "if i % 1000 == 0 then released = released + #(test.released() or {}) end end return released";
    if (load_body(&b, leases) != LB_DONE || drive(&b, -1) != LB_DONE) FAIL("leases\n");
    if (lb_vm_slot_count(b.vm) > 10000) FAIL("%u slots\n", lb_vm_slot_count(b.vm));
    lb_vm_gc(b.vm);
    if (lb_vm_memory_used(b.vm) > (size_t)2 << 20) FAIL("%zu bytes after leases\n", lb_vm_memory_used(b.vm));
    close_vm(&b);
    puts("handlers are charged");
}

static void fail_creation(void) {
    // The counting allocator refuses by its limit here, because there is no VM yet to tell the Nth.
    for (size_t limit = 1000; limit < 60000; limit += 200) {
        lb_config config = {.memory_limit = limit};
        lb_vm *vm = lb_vm_create(&config);
        if (!vm) continue;
        lb_bytes out = {0};
        lb_load_prelude(vm, "test", prelude, strlen(prelude), &out);
        free(out.data);
        if (lb_vm_destroy(vm)) FAIL("leaked with a limit of %zu\n", limit);
    }
}

/// Bodies that never end by themselves.
static const char *const endless[] = {
    "while true do end",
    "while true do pcall(error) end",
    "local function f() pcall(f) end while true do f() end",
    "while true do xpcall(error, function() while true do end end) end",
    "coroutine.wrap(function() while true do end end)()",
    "while true do pcall(coroutine.wrap(function() while true do end end)) end",
    "table.sort({ 3, 2, 1 }, function() while true do pcall(function() while true do end end) end end)",
    "('aa'):gsub('a', function() while true do end end)",
    "local x <close> = setmetatable({}, { __close = function() while true do end end }) while true do end",
    "local x <close> = setmetatable({}, { __close = function() while true do end end }) error('x')",
    "local closing = setmetatable({}, { __close = function() while true do end end })\ncoroutine.wrap(function() local x <close> = closing while true do end end)()",
    "test.all { function() while true do end end, function() while true do end end }",
    "return ('a'):rep(40):find(('a-'):rep(20) .. 'b')",
    "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)",
    "load('local a = 1 return a' .. (' and a'):rep(300000))",
    "load('local a = 1 if a then ' .. ('elseif a then '):rep(300000) .. 'end')",
    "local text = 'local a = 1 return a' .. (' and a'):rep(300000) load(function() local t = text text = nil return t end)",
};

static void *interrupt_soon(void *vm) {
    usleep(5000);
    if (!lb_vm_interrupt(vm, 7)) FAIL("nothing to interrupt\n");
    return NULL;
}

static void stop_endless_handlers(void) {
    for (size_t i = 0; i < sizeof endless / sizeof *endless; i++) {
        bench b;
        if (!open_vm(&b)) FAIL("no VM\n");
        if (lb_load_prelude(b.vm, "test", prelude, strlen(prelude), &b.out) != LB_DONE) FAIL("prelude\n");
        if (load_body(&b, endless[i]) != LB_DONE) FAIL("cannot load: %s\n", endless[i]);
        for (int round = 0; round < 5; round++) {
            pthread_t canceller;
            lb_watch_begin(b.vm, 7);
            if (pthread_create(&canceller, NULL, interrupt_soon, b.vm) != 0) FAIL("no thread\n");
            if (drive(&b, -1) != LB_CANCELLED) FAIL("not cancelled: %s\n", endless[i]);
            pthread_join(canceller, NULL);
            lb_watch_end(b.vm);
        }
        close_vm(&b);
    }
    printf("%zu endless handlers stopped\n", sizeof endless / sizeof *endless);
}

/// A generator with a fixed seed, so that a failure can be repeated.
static int next_random(lua_State *L) {
    static uint64_t state = 42;
    state = state * 6364136223846793005u + 1442695040888963407u;
    lua_pushinteger(L, (lua_Integer)((state >> 33) % (uint64_t)luaL_checkinteger(L, 1)) + 1);
    return 1;
}

static int print_line(lua_State *L) {
    puts(luaL_checkstring(L, 1));
    return 0;
}

static void push_libraries(lua_State *L, bool own) {
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, luaopen_string);
    lua_call(L, 0, 1);
    if (own) replace_string_functions(L);
    lua_setfield(L, -2, "string");
    lua_pushcfunction(L, luaopen_table);
    lua_call(L, 0, 1);
    if (own) replace_table_functions(L);
    lua_setfield(L, -2, "table");
}

static int compare_libraries(lua_State *L) {
    if (luaL_loadfile(L, "scripts/test-patterns.lua") != LUA_OK) return lua_error(L);
    lua_pushcfunction(L, print_line);
    lua_setglobal(L, "print");
    push_libraries(L, true);
    push_libraries(L, false);
    lua_pushcfunction(L, next_random);
    lua_call(L, 3, 2);
    return 2;
}

/// Our string and table functions give what Lua's own give.
static void compare_with_lua(void) {
    bench b;
    if (!open_vm(&b)) FAIL("no VM\n");
    lua_State *L = b.vm->L;
    lua_pushcfunction(L, compare_libraries);
    if (lua_pcall(L, 0, 2, 0) != LUA_OK) FAIL("%s\n", lua_tostring(L, -1));
    printf("string and table functions: %lld cases compared with Lua's\n", (long long)lua_tointeger(L, -1));
    if (lua_tointeger(L, -2) != 0) FAIL("%lld differ\n", (long long)lua_tointeger(L, -2));
    lua_settop(L, 0);
    close_vm(&b);
}

/// What is shown may be collected meanwhile.
static void show_weak_tables(void) {
    bench b;
    if (!open_vm(&b) || lb_load_prelude(b.vm, "test", prelude, strlen(prelude), &b.out) != LB_DONE) FAIL("no VM\n");
    if (load_body(&b, "for round = 1, 5000 do\n"
                      "  local t = setmetatable({}, { __mode = 'kv' })\n"
                      "  for i = 1, 30 do t[('k%d-%d-'):format(round, i) .. ('x'):rep(42)] = { i } end\n"
                      "  print(t)\n"
                      "end") != LB_DONE || drive(&b, -1) != LB_DONE)
        FAIL("weak tables are not shown\n");
    close_vm(&b);
}

static void *run(void *unused) {
    compare_with_lua();
    show_weak_tables();
    stop_endless_handlers();
    charge_handlers();
    fail_creation();
    fail_each_allocation();
    return unused;
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)16 << 20);
    if (pthread_create(&thread, &attributes, run, NULL) != 0) FAIL("no thread\n");
    pthread_join(thread, NULL);
    puts("ok");
    return 0;
}
