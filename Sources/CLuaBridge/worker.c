// The threads that VMs belong to. A VM may outlive its thread, and a thread that has ended must not be signalled, so each has
// a small struct of its own: shared by its VMs, and told by a thread-specific destructor when the thread ends.
#include <stdlib.h>
#include <time.h>

#ifdef __APPLE__
#include <mach/mach.h>
#endif

#include "internal.h"

struct worker {
    pthread_mutex_t lock;
    /// VMs, and the thread itself while it lives.
    unsigned owners;
    bool alive;
    pthread_t thread;
#ifdef __APPLE__
    mach_port_t port;
#else
    clockid_t clock;
#endif
};

static pthread_key_t key;
static bool has_key;

void worker_release(worker *worker) {
    pthread_mutex_lock(&worker->lock);
    bool last = --worker->owners == 0;
    pthread_mutex_unlock(&worker->lock);
    if (!last) return;
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

static void thread_ended(void *value) {
    worker *worker = value;
    pthread_mutex_lock(&worker->lock);
    worker->alive = false;
    pthread_mutex_unlock(&worker->lock);
    worker_release(worker);
}

static void make_key(void) { has_key = pthread_key_create(&key, thread_ended) == 0; }

worker *worker_retain(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_key);
    if (!has_key) return NULL;
    worker *known = pthread_getspecific(key);
    if (!known) {
        known = calloc(1, sizeof *known);
        if (!known) return NULL;
        pthread_mutex_init(&known->lock, NULL);
        known->thread = pthread_self();
#ifdef __APPLE__
        known->port = pthread_mach_thread_np(known->thread);
        known->alive = true;
#else
        known->alive = pthread_getcpuclockid(known->thread, &known->clock) == 0;
#endif
        known->owners = 1;
        if (!known->alive || pthread_setspecific(key, known) != 0) {
            worker_release(known);
            return NULL;
        }
    }
    pthread_mutex_lock(&known->lock);
    known->owners++;
    pthread_mutex_unlock(&known->lock);
    return known;
}

void worker_signal(worker *worker, int number) {
    pthread_mutex_lock(&worker->lock);
    if (worker->alive) pthread_kill(worker->thread, number);
    pthread_mutex_unlock(&worker->lock);
}

uint64_t worker_cpu_time(worker *worker) {
    uint64_t nanoseconds = 0;
    pthread_mutex_lock(&worker->lock);
    if (worker->alive) {
#ifdef __APPLE__
        thread_basic_info_data_t info;
        mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;
        if (thread_info(worker->port, THREAD_BASIC_INFO, (thread_info_t)&info, &count) == KERN_SUCCESS) {
            uint64_t seconds = (uint64_t)info.user_time.seconds + (uint64_t)info.system_time.seconds;
            uint64_t microseconds = (uint64_t)info.user_time.microseconds + (uint64_t)info.system_time.microseconds;
            nanoseconds = seconds * 1000000000u + microseconds * 1000u;
        }
#else
        struct timespec time;
        if (clock_gettime(worker->clock, &time) == 0)
            nanoseconds = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
#endif
    }
    pthread_mutex_unlock(&worker->lock);
    return nanoseconds;
}
