// Told to ThreadSanitizer: what a `Synchronization.Mutex` that several threads wait for orders.
//
// The lock's fast path is compiled into its users, where the sanitizer sees it. The path of a lock that is taken is in the
// standard library, which is not built for the sanitizer: it takes what the lock guards for a race. This library, loaded before
// that one (LD_PRELOAD), stands before the two functions of that path, calls them, and says which lock they took or gave back.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

// Of the sanitizer's runtime, which is part of the program; absent in programs that it does not look at.
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

typedef __attribute__((swiftcall)) void (*lock_slow)(uint32_t thread, __attribute__((swift_context)) void *lock);
typedef __attribute__((swiftcall)) void (*unlock_slow)(__attribute__((swift_context)) void *lock);

static void *next(const char *symbol) {
    void *function = dlsym(RTLD_NEXT, symbol);
    if (!function) abort();
    return function;
}

// Synchronization._MutexHandle._lockSlow(Swift.UInt32) -> ()
__attribute__((swiftcall)) void locked(uint32_t thread, __attribute__((swift_context)) void *lock)
    __asm__("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
__attribute__((swiftcall)) void locked(uint32_t thread, __attribute__((swift_context)) void *lock) {
    static _Atomic(lock_slow) taking;
    if (!taking) taking = (lock_slow)next("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
    taking(thread, lock);
    if (__tsan_acquire) __tsan_acquire(lock);
}

// Synchronization._MutexHandle._unlockSlow() -> ()
__attribute__((swiftcall)) void unlocked(__attribute__((swift_context)) void *lock)
    __asm__("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
__attribute__((swiftcall)) void unlocked(__attribute__((swift_context)) void *lock) {
    static _Atomic(unlock_slow) giving;
    if (!giving) giving = (unlock_slow)next("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
    if (__tsan_release) __tsan_release(lock);
    giving(lock);
}
