// One thread for all VMs watches deadlines. A step costs it nothing but a counter: it polls every few milliseconds while
// a VM has a deadline, and sleeps otherwise.
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

/// Looks at every VM; whether any has a deadline.
static bool poll_all(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    uint64_t now = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
    bool any = false;
    for (lb_vm *vm = watched; vm; vm = vm->watch_next) {
        // The epoch first: a deadline belongs to this step or to a later one, and a later step has another epoch.
        uint64_t epoch = atomic_load(&vm->epoch);
        uint64_t deadline = atomic_load(&vm->deadline);
        if (!deadline) continue;
        any = true;
        if (now < deadline || (epoch & 1) == 0) continue;
        if (atomic_load(&vm->epoch) != epoch) continue;
        atomic_store(&vm->expired_epoch, epoch);
        atomic_store(&vm->attention, true);
        signal_worker(vm);
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

void lb_watch_deadline(lb_vm *vm, uint64_t deadline) {
    if (deadline == 0) {
        atomic_store_explicit(&vm->deadline, 0, memory_order_relaxed);
        return;
    }
    atomic_store(&vm->deadline, deadline);
    if (unlikely(!vm->watched)) start_watching(vm);
    if (unlikely(atomic_load(&asleep))) {
        pthread_mutex_lock(&lock);
        atomic_store(&asleep, false);
        pthread_cond_signal(&wake);
        pthread_mutex_unlock(&lock);
    }
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
