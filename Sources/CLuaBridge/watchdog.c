// One thread for all VMs watches deadlines and CPU time. A step costs it nothing but a counter: it polls every few
// milliseconds while a VM works for a run or has a deadline, and sleeps otherwise.
#include <errno.h>
#include <time.h>

#include "internal.h"

#define POLL_NANOSECONDS 4000000u
#define IDLE_POLLS 250

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static lb_vm *watched;
static bool started;
static _Atomic bool asleep;

/// Whether the entry that is under way has used its CPU time; notes how much it has.
///
/// The clock of another thread costs a microsecond, so an entry does not read it: its time counts from when the watchdog first
/// sees it, at most one poll after it began.
static bool is_spent(lb_vm *vm) {
    uint64_t budget = atomic_load(&vm->budget);
    if (!budget) return false;
    uint64_t entry = atomic_load(&vm->entry);
    uint64_t cpu = worker_cpu_time(vm->worker);
    if (atomic_load(&vm->seen_entry) != entry) {
        atomic_store(&vm->spent_cpu, 0);
        atomic_store(&vm->seen_entry, entry);
        vm->seen_cpu = cpu;
        return false;
    }
    uint64_t spent = cpu > vm->seen_cpu ? cpu - vm->seen_cpu : 0;
    atomic_store(&vm->spent_cpu, spent);
    return spent >= budget;
}

/// Looks at every VM; whether any works for somebody.
static bool poll_all(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    uint64_t now = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
    bool any = false;
    for (lb_vm *vm = watched; vm; vm = vm->watch_next) {
        // The epoch first: a deadline belongs to this step or to a later one, and a later step has another epoch.
        uint64_t epoch = atomic_load(&vm->epoch);
        uint64_t deadline = atomic_load(&vm->deadline);
        if (deadline || atomic_load(&vm->token)) any = true;
        if ((epoch & 1) == 0) continue;
        if (!(deadline && now >= deadline) && !is_spent(vm)) continue;
        if (atomic_load(&vm->epoch) != epoch) continue;
        atomic_store(&vm->expired_epoch, epoch);
        atomic_store(&vm->attention, true);
        worker_signal(vm->worker, STOP_SIGNAL);
    }
    return any;
}

static void *watch(void *unused) {
    (void)unused;
    int idle = 0;
    pthread_mutex_lock(&lock);
    for (;;) {
        idle = poll_all() ? 0 : idle + 1;
        if (idle >= IDLE_POLLS) {
            atomic_store(&asleep, true);
            // A deadline set before it could see the flag is seen here.
            if (!poll_all()) {
                while (atomic_load(&asleep)) pthread_cond_wait(&wake, &lock);
            }
            atomic_store(&asleep, false);
            idle = 0;
        }
        pthread_mutex_unlock(&lock);
        struct timespec pause = {0, POLL_NANOSECONDS};
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&lock);
    }
    return NULL;
}

static void start_watching(lb_vm *vm) {
    pthread_mutex_lock(&lock);
    if (!vm->watched) {
        vm->watched = true;
        vm->watch_next = watched;
        watched = vm;
    }
    if (!started) {
        // The watchdog takes no signals: those meant for the process belong to the host's threads.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 128 << 10);
        started = pthread_create(&thread, &attributes, watch, NULL) == 0;
        if (started) pthread_detach(thread);
        pthread_attr_destroy(&attributes);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_mutex_unlock(&lock);
}

/// Has the watchdog look at the VM from now on. What it is to see has been stored before.
static void watch_from_now(lb_vm *vm) {
    if (unlikely(!vm->watched)) start_watching(vm);
    if (likely(!atomic_load(&asleep))) return;
    pthread_mutex_lock(&lock);
    atomic_store(&asleep, false);
    pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
}

void lb_watch_begin(lb_vm *vm, uint64_t token) {
    atomic_store_explicit(&vm->attention, false, memory_order_relaxed);
    atomic_store(&vm->token, token);
    if (token) watch_from_now(vm);
}

void lb_watch_end(lb_vm *vm) {
    atomic_store_explicit(&vm->token, 0, memory_order_relaxed);
    if (atomic_load_explicit(&vm->deadline, memory_order_relaxed))
        atomic_store_explicit(&vm->deadline, 0, memory_order_relaxed);
    if (atomic_load_explicit(&vm->budget, memory_order_relaxed))
        atomic_store_explicit(&vm->budget, 0, memory_order_relaxed);
}

void lb_watch_deadline(lb_vm *vm, uint64_t deadline) {
    atomic_store(&vm->deadline, deadline);
    if (deadline) watch_from_now(vm);
}

void lb_watch_limits(lb_vm *vm, uint64_t deadline, uint64_t cpu) {
    // The token of the run keeps the watchdog awake.
    atomic_store_explicit(&vm->deadline, deadline, memory_order_relaxed);
    atomic_store_explicit(&vm->budget, cpu, memory_order_relaxed);
}

uint64_t lb_watch_spent(const lb_vm *vm) {
    return atomic_load(&vm->seen_entry) == atomic_load(&vm->entry) ? atomic_load(&vm->spent_cpu) : 0;
}

void watch_forget(lb_vm *vm) {
    pthread_mutex_lock(&lock);
    for (lb_vm **link = &watched; *link; link = &(*link)->watch_next) {
        if (*link == vm) {
            *link = vm->watch_next;
            break;
        }
    }
    vm->watched = false;
    pthread_mutex_unlock(&lock);
}
