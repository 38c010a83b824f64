// The system calls of a locked process: one table for all architectures. Whatever is not in it ends the process.

// Numbers that an architecture lacks, or that the system's headers do not know yet.
#define NO_CALL 0xFFFFFFFFu
#ifndef __NR_open
#define __NR_open NO_CALL
#endif
#ifndef __NR_time
#define __NR_time NO_CALL
#endif
#ifndef __NR_clone3
#define __NR_clone3 NO_CALL
#endif
#ifndef __NR_rseq
#define __NR_rseq NO_CALL
#endif

/// When a call is let through; in all other cases it ends the process.
enum rule_kind {
    RULE_ALLOW,
    /// On the one socket. On the standard descriptors, which are closed, it fails with EBADF.
    RULE_SOCKET,
    /// Where the first argument is this process.
    RULE_SELF,
    /// Where the first argument is `value`.
    RULE_FIRST,
    /// For a thread of this process, never for a process.
    RULE_THREAD,
    /// For memory that is not executed.
    RULE_PLAIN,
    /// For a look at a limit of this process.
    RULE_LOOK,
    /// Never, but it fails with `value` and the process goes on: for what libraries try and can do without.
    RULE_FAIL,
};

struct rule {
    unsigned number;
    enum rule_kind kind;
    unsigned value;
};

static const struct rule rules[] = {
    // The one socket.
    {__NR_read, RULE_SOCKET, 0},
    {__NR_write, RULE_SOCKET, 0},
    {__NR_recvfrom, RULE_SOCKET, 0},
    {__NR_sendto, RULE_SOCKET, 0},

    // Memory.
    {__NR_brk, RULE_ALLOW, 0},
    {__NR_munmap, RULE_ALLOW, 0},
    {__NR_mremap, RULE_ALLOW, 0},
    {__NR_madvise, RULE_ALLOW, 0},
    {__NR_mmap, RULE_PLAIN, 0},
    {__NR_mprotect, RULE_PLAIN, 0},

    // Threads, and what they wait by. glibc goes back from clone3, whose flags a filter cannot see, to clone.
    {__NR_clone, RULE_THREAD, 0},
    {__NR_clone3, RULE_FAIL, ENOSYS},
    {__NR_exit, RULE_ALLOW, 0},
    {__NR_exit_group, RULE_ALLOW, 0},
    {__NR_set_robust_list, RULE_ALLOW, 0},
    {__NR_rseq, RULE_ALLOW, 0},
    {__NR_futex, RULE_ALLOW, 0},
    {__NR_sched_yield, RULE_ALLOW, 0},
    {__NR_sched_getaffinity, RULE_ALLOW, 0},
    {__NR_getpid, RULE_ALLOW, 0},
    {__NR_gettid, RULE_ALLOW, 0},
    {__NR_prctl, RULE_FIRST, PR_SET_NAME},
    {__NR_prlimit64, RULE_LOOK, 0},

    // Signals: handlers, and the watchdog's signal to a thread of this process.
    {__NR_rt_sigaction, RULE_ALLOW, 0},
    {__NR_rt_sigprocmask, RULE_ALLOW, 0},
    {__NR_rt_sigreturn, RULE_ALLOW, 0},
    {__NR_sigaltstack, RULE_ALLOW, 0},
    {__NR_restart_syscall, RULE_ALLOW, 0},
    {__NR_tgkill, RULE_SELF, 0},

    // Time, chance and size.
    {__NR_clock_gettime, RULE_ALLOW, 0},
    {__NR_clock_getres, RULE_ALLOW, 0},
    {__NR_clock_nanosleep, RULE_ALLOW, 0},
    {__NR_nanosleep, RULE_ALLOW, 0},
    {__NR_gettimeofday, RULE_ALLOW, 0},
    {__NR_time, RULE_ALLOW, 0},
    {__NR_getrandom, RULE_ALLOW, 0},
    // How much memory there is: the C library asks before it sorts, the engine for its limits.
    {__NR_sysinfo, RULE_ALLOW, 0},

    // There are no files: glibc's allocator looks at /proc when it gives memory back, and goes on without.
    {__NR_open, RULE_FAIL, EACCES},
    {__NR_openat, RULE_FAIL, EACCES},
};
