// What one call through the bridge costs, next to a plain Lua loop that does the same work. Run by scripts/bench-bridge.sh.
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lua_bridge.h"

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static const char prelude[] =
    "local bridge = ...\n"
    "bridge.function_slot(function(x) return { city = x.city, days = x.days + 1, wind = x.wind, ok = true } end)\n"
    "bridge.function_slot(function(x) return x end)\n"
    "bridge.function_slot(function(x) return 1 end)\n"
    "bridge.function_slot(function() return 1 end)\n"
    "bridge.function_slot(function() return { city = 'Oslo', days = 3, wind = 4.5, ok = true } end)\n"
    "bridge.function_slot(function(x, context) return x end)\n"
    "local live = {} for i = 1, 5000 do live[i] = { i } end\n"
    "return { live = live, start = function() return { city = 'Oslo', days = 3, wind = 4.5, ok = true } end }\n";

static const char baseline[] =
    "local n = ...\n"
    "local function f(x) return { city = x.city, days = x.days + 1, wind = x.wind, ok = true } end\n"
    "local x, kept = { city = 'Oslo', days = 3, wind = 4.5, ok = true }, nil\n"
    "for i = 1, n do local ok, y = pcall(f, x); kept = { input = x, output = y, at = i }; x = y end\n";

int main(int argc, char **argv) {
    const int rounds = 15;
    const int count = argc > 1 ? atoi(argv[1]) : 200000;
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    double best = 1e9;
    for (int round = 0; round < rounds; round++) {
        if (luaL_loadstring(L, baseline) != LUA_OK) return 1;
        lua_pushinteger(L, count);
        double start = now();
        if (lua_pcall(L, 1, 0, 0) != LUA_OK) return 1;
        double took = (now() - start) / count * 1e9;
        if (took < best) best = took;
    }
    printf("%-44s %7.0f ns\n", "plain Lua, pcall and snapshot", best);
    lua_close(L);

    lb_config config = {.memory_limit = (size_t)256 << 20};
    lb_vm *vm = lb_vm_create(&config);
    lb_bytes out = {0}, effects = {0};
    lb_thread *suspended = NULL;
    if (lb_load_prelude(vm, "aikit", prelude, strlen(prelude), &out) != LB_DONE) {
        fwrite(out.data, 1, out.count, stderr);
        return 1;
    }
    out.count = 0;
    lb_call(vm, 5, NULL, NULL, 0, &out, &suspended);
    size_t length = out.count;
    lb_context context = {.arena = &out, .effects = &effects, .step_id = "s", .run_id = "r", .attempt = 1};
    static const struct { uint32_t slot; const char *name; } cases[] = {
        {1, "lb_call, four fields in, four fields out"}, {2, "lb_call, identity"}, {3, "lb_call, four fields in"},
        {4, "lb_call, nothing decoded"},                 {5, "lb_call, four fields out"},
        {6, "lb_call, identity, with a context"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        best = 1e9;
        for (int round = 0; round < rounds; round++) {
            double start = now();
            for (int i = 0; i < count; i++) {
                out.count = length;
                lb_arg args[2] = {{.kind = LB_ARG_SLICE, .offset = 0, .length = length}, {.kind = LB_ARG_CONTEXT}};
                if (lb_call(vm, cases[c].slot, &context, args, 2, &out, &suspended) != LB_DONE) {
                    fwrite(out.data + length, 1, out.count - length, stderr);
                    return 1;
                }
            }
            double took = (now() - start) / count * 1e9;
            if (took < best) best = took;
        }
        printf("%-44s %7.0f ns\n", cases[c].name, best);
    }
    printf("%-44s %7zu bytes\n", "memory after that", lb_vm_memory_used(vm));
    size_t leaked = lb_vm_destroy(vm);
    printf("%-44s %7zu bytes\n", "leaked", leaked);
    return leaked != 0;
}
