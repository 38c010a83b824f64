// Stopping code that does not stop by itself (rule 7). A hook that is always on would make call-heavy Lua more than twice as
// slow, so nothing is armed until somebody wants to stop: then a signal goes to the worker's thread, and its handler arms a
// hook on the coroutine that runs now, which lua_sethook allows there and nowhere else.
#include <time.h>

#include "internal.h"

_Thread_local lb_vm *working TLS_MODEL;

static bool can_yield(lua_State *L) { return lua_isyieldable(L) && !has_mark(L, MARK_CLOSING); }

/// Takes the traceback of the place at which the step is stopped: the first one counts.
static void note_stop(lua_State *L) {
    lb_vm *vm = vm_of(L);
    if (vm->stop_noted) return;
    vm->stop_noted = true;
    vm->traceback.count = 0;
    vm->where[0] = 0;
    write_traceback(L, &vm->traceback, vm->where, sizeof vm->where);
}

/// Raises in a way that calls no message handler, as memory errors are: the handler would run inside the hook, where no hook
/// fires, and could loop for ever.
int raise_interrupt(lua_State *L) {
    note_stop(L);
    lua_pushliteral(L, "not enough memory");
    return lua_error(L);
}

/// Runs before each instruction once armed, and stays armed until the step has left: an error alone would be caught by the
/// pcall of a loop. A coroutine that it suspends is never resumed.
static void stop_hook(lua_State *L, lua_Debug *frame) {
    (void)frame;
    lb_vm *vm = vm_of(L);
    if (!vm->interrupting) {
        lua_sethook(L, NULL, 0, 0);  // left over from an earlier step
        return;
    }
    note_stop(L);
    if (can_yield(L)) {
        vm->yielding = YIELD_INTERRUPT;
        lua_yield(L, 0);
        return;
    }
    raise_interrupt(L);
}

void arm_hook(lua_State *L) { lua_sethook(L, stop_hook, LUA_MASKCOUNT, 1); }

/// Decides whether the step that runs now is meant; on the worker's thread, in the handler or outside it.
void look_for_interrupt(lb_vm *vm) {
    if (vm->interrupting || !vm->running) return;
    uint64_t token = atomic_load(&vm->token);
    int reason = INTERRUPT_NONE;
    if (atomic_load(&vm->expired_epoch) == atomic_load(&vm->epoch)) reason = vm->closing ? INTERRUPT_GRACE : INTERRUPT_DEADLINE;
    // A script's closing has been granted its time: cancelling twice does not take it away.
    if (!vm->closing && token && atomic_load(&vm->cancel_token) == token) reason = INTERRUPT_CANCEL;
    if (!reason) return;
    vm->stop_noted = false;
    if (reason != INTERRUPT_GRACE) vm->stopped_for = reason;
    vm->interrupting = reason;
    arm_hook(vm->running);
}

static void on_signal(int number) {
    (void)number;
    if (working) look_for_interrupt(working);
}

static void install(void) {
    struct sigaction action = {0};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(STOP_SIGNAL, &action, NULL);
}

void interrupt_setup(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, STOP_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void check_interrupt(lua_State *L) {
    if (unlikely(vm_of(L)->interrupting)) raise_interrupt(L);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int close_with_grace(lb_vm *vm, lua_State *co) {
    lua_State *running = vm->running;
    lb_vm *was_working = working;
    sig_atomic_t interrupting = vm->interrupting, closing = vm->closing;
    uint64_t deadline = atomic_load(&vm->deadline), budget = atomic_load(&vm->budget);
    vm->running = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    vm->interrupting = INTERRUPT_NONE;
    vm->closing = 1;
    working = vm;
    // Odd epochs are steps. This one is new, so that whoever wanted to stop the step does not stop the closing.
    atomic_store(&vm->epoch, (atomic_load(&vm->epoch) | 1) + 2);
    atomic_store(&vm->budget, 0);
    lb_watch_deadline(vm, now() + vm->config.close_grace);
    set_mark(co, MARK_CLOSING);
    lua_sethook(co, NULL, 0, 0);
    vm->running = co;
    atomic_signal_fence(memory_order_seq_cst);
    int status = lua_resetthread(co);
    vm->running = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    clear_mark(co, MARK_CLOSING);
    lua_sethook(co, NULL, 0, 0);
    atomic_store(&vm->epoch, (atomic_load(&vm->epoch) | 1) + (running ? 2 : 1));
    lb_watch_deadline(vm, deadline);
    atomic_store(&vm->budget, budget);
    vm->closing = closing;
    vm->interrupting = interrupting;
    working = was_working;
    vm->running = running;
    if (running && interrupting) arm_hook(running);
    return status;
}

bool lb_vm_interrupt(lb_vm *vm, uint64_t token) {
    // Only the run that the VM works for is stopped, so two cancellers cannot overwrite each other's wish.
    if (atomic_load(&vm->token) != token) return false;
    atomic_store(&vm->cancel_token, token);
    atomic_store(&vm->attention, true);
    worker_signal(vm->worker, STOP_SIGNAL);
    return true;
}

bool lb_watch_is_stopping(const lb_vm *vm) {
    uint64_t token = atomic_load(&vm->token);
    return vm->interrupting || (token && atomic_load(&vm->cancel_token) == token);
}

void lb_vm_interrupt_any(lb_vm *vm) {
    uint64_t token = atomic_load(&vm->token);
    if (token) lb_vm_interrupt(vm, token);
}
