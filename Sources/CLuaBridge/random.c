// Chance. In a run every call has a generator of its own, seeded by what the host says of the call: the same call of the same run
// gets the same numbers, in whichever process it runs. Outside of runs the numbers are those of the system.
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

static uint64_t rotate(uint64_t word, int bits) { return word << bits | word >> (64 - bits); }

/// xoshiro256**
static uint64_t next(uint64_t *state) {
    uint64_t result = rotate(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

static void seed(uint64_t *state, const uint64_t *words) {
    state[0] = words[0];
    state[1] = 0xff;
    state[2] = words[1];
    state[3] = 0;
    for (int i = 0; i < 16; i++) next(state);
}

void random_init(lb_vm *vm) {
    uint64_t words[2];
    if (getentropy(words, sizeof words) != 0) {
        struct timespec time;
        clock_gettime(CLOCK_REALTIME, &time);
        words[0] = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
        words[1] = (uint64_t)(uintptr_t)vm;
    }
    seed(vm->random, words);
}

/// The generator of the call that runs now.
static uint64_t *generator(lua_State *L) {
    lb_vm *vm = vm_of(L);
    lb_thread *thread = vm->current;
    if (!thread || !thread->context || !thread->context->write_origin) return vm->random;
    if (!thread->has_random) {
        lb_origin origin = {0};
        thread->context->write_origin(thread->context, &origin);
        seed(thread->random, origin.seed);
        thread->has_random = true;
    }
    return thread->random;
}

/// A number from 0 to `limit`, each as likely as the others.
static uint64_t below(uint64_t *state, uint64_t limit) {
    uint64_t word = next(state);
    if ((limit & (limit + 1)) == 0) return word & limit;
    uint64_t mask = UINT64_MAX >> __builtin_clzll(limit);
    while ((word &= mask) > limit) word = next(state);
    return word;
}

int math_random(lua_State *L) {
    uint64_t *state = generator(L);
    lua_Integer low = 1, high;
    switch (lua_gettop(L)) {
    case 0:
        lua_pushnumber(L, (lua_Number)(next(state) >> 11) * 0x1p-53);
        return 1;
    case 1:
        high = luaL_checkinteger(L, 1);
        if (high == 0) {
            lua_pushinteger(L, (lua_Integer)next(state));
            return 1;
        }
        break;
    case 2:
        low = luaL_checkinteger(L, 1);
        high = luaL_checkinteger(L, 2);
        break;
    default: return luaL_error(L, "wrong number of arguments");
    }
    luaL_argcheck(L, low <= high, lua_gettop(L), "interval is empty");
    lua_pushinteger(L, (lua_Integer)(below(state, (uint64_t)high - (uint64_t)low) + (uint64_t)low));
    return 1;
}

/// bridge.uuid() -> a UUID of version 4
int bridge_uuid(lua_State *L) {
    static const char digits[] = "0123456789abcdef";
    uint64_t *state = generator(L);
    uint64_t words[2] = {next(state), next(state)};
    words[0] = (words[0] & ~UINT64_C(0xf000)) | 0x4000;
    words[1] = (words[1] & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
    char text[36], *to = text;
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) *to++ = '-';
        *to++ = digits[words[i / 16] >> (60 - i % 16 * 4) & 15];
    }
    lua_pushlstring(L, text, sizeof text);
    return 1;
}
