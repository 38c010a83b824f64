#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int limit(int resource, rlim_t most) {
    struct rlimit value;
    if (getrlimit(resource, &value) != 0) return -1;
    if (value.rlim_max != RLIM_INFINITY && value.rlim_max < most) most = value.rlim_max;
    value.rlim_cur = value.rlim_max = most;
    return setrlimit(resource, &value);
}

/// Limits what the process may have. The count of its user's processes is not limited: threads count there too.
static int set_limits(uint64_t memory) {
    int status = limit(RLIMIT_CORE, 0) | limit(RLIMIT_FSIZE, 0) | limit(RLIMIT_NOFILE, 0);
#ifdef RLIMIT_AS
    if (memory > 0) status |= limit(RLIMIT_AS, (rlim_t)memory);
#endif
    return status;
}

#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

// Landlock --------------------------------------------------------------------------------------------------------------

// The interface as the kernel documents it, whose header older systems lack; the numbers are the same on all architectures.
#define LANDLOCK_CREATE_RULESET 444
#define LANDLOCK_RESTRICT_SELF 446
#define LANDLOCK_ASKS_VERSION 1u

struct landlock_rules {
    uint64_t files, network, scopes;
};

static int landlock_version(void) {
    long version = syscall(LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_ASKS_VERSION);
    return version > 0 ? (int)version : 0;
}

/// Takes all rights that this kernel's Landlock knows of.
static int restrict_files(void) {
    int version = landlock_version();
    if (version < 1) return -1;
    // Version 1 knows 13 rights on files; 2 adds links between folders, 3 truncation, 5 device control.
    struct landlock_rules rules = {.files = (1u << 13) - 1};
    size_t size = sizeof rules.files;
    if (version >= 2) rules.files |= 1u << 13;
    if (version >= 3) rules.files |= 1u << 14;
    if (version >= 5) rules.files |= 1u << 15;
    if (version >= 4) {
        // TCP: to bind, and to connect.
        rules.network = 3;
        size += sizeof rules.network;
    }
    if (version >= 6) {
        // Abstract sockets and signals of processes outside.
        rules.scopes = 3;
        size += sizeof rules.scopes;
    }
    long ruleset = syscall(LANDLOCK_CREATE_RULESET, &rules, size, 0);
    if (ruleset < 0) return -1;
    long status = syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0);
    close((int)ruleset);
    return (int)status;
}

// seccomp ---------------------------------------------------------------------------------------------------------------

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE

#include "syscalls.h"

#define KILL SECCOMP_RET_KILL_PROCESS
#define LOW(argument) (offsetof(struct seccomp_data, args) + 8 * (argument))
#define HIGH(argument) (LOW(argument) + 4)
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(offset))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (unsigned)(action))
/// Goes on where the condition holds, else passes over `skipped` instructions.
#define WHERE(condition, value, skipped) BPF_JUMP(BPF_JMP | (condition) | BPF_K, (unsigned)(value), 0, (skipped))
#define UNLESS(condition, value, skipped) BPF_JUMP(BPF_JMP | (condition) | BPF_K, (unsigned)(value), (skipped), 0)

#define MOST_INSTRUCTIONS 512

struct filter {
    struct sock_filter code[MOST_INSTRUCTIONS];
    size_t count;
};

static void add(struct filter *filter, const struct sock_filter *code, size_t count) {
    for (size_t index = 0; index < count && filter->count < MOST_INSTRUCTIONS; index++)
        filter->code[filter->count++] = code[index];
}

/// Adds a rule's verdicts behind the question whether the call is the rule's.
static void add_block(struct filter *filter, unsigned number, const struct sock_filter *block, size_t count) {
    const struct sock_filter question = WHERE(BPF_JEQ, number, (uint8_t)count);
    add(filter, &question, 1);
    add(filter, block, count);
}

#define BLOCK(...)                                                                                              \
    add_block(                                                                                                  \
        filter, rule->number, (const struct sock_filter[]){__VA_ARGS__},                                        \
        sizeof(const struct sock_filter[]){__VA_ARGS__} / sizeof(struct sock_filter))

/// Each block ends in a verdict, so behind it the number is still loaded.
static void add_rule(struct filter *filter, const struct rule *rule, int socket) {
    const unsigned thread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
    switch (rule->kind) {
    case RULE_ALLOW: BLOCK(RETURN(SECCOMP_RET_ALLOW)); break;
    case RULE_FAIL: BLOCK(RETURN(SECCOMP_RET_ERRNO | (rule->value & SECCOMP_RET_DATA))); break;
    case RULE_FIRST:
        BLOCK(LOAD(LOW(0)), WHERE(BPF_JEQ, rule->value, 1), RETURN(SECCOMP_RET_ALLOW), RETURN(KILL));
        break;
    case RULE_SELF:
        BLOCK(LOAD(LOW(0)), WHERE(BPF_JEQ, getpid(), 1), RETURN(SECCOMP_RET_ALLOW), RETURN(KILL));
        break;
    case RULE_SOCKET:
        BLOCK(
            LOAD(LOW(0)), WHERE(BPF_JEQ, socket, 1), RETURN(SECCOMP_RET_ALLOW), UNLESS(BPF_JGT, 2, 1),
            RETURN(SECCOMP_RET_ERRNO | EBADF), RETURN(KILL));
        break;
    case RULE_THREAD:
        BLOCK(
            LOAD(LOW(0)), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, thread), WHERE(BPF_JEQ, thread, 1),
            RETURN(SECCOMP_RET_ALLOW), RETURN(KILL));
        break;
    case RULE_PLAIN:
        BLOCK(LOAD(LOW(2)), UNLESS(BPF_JSET, PROT_EXEC, 1), RETURN(SECCOMP_RET_ALLOW), RETURN(KILL));
        break;
    case RULE_LOOK:
        BLOCK(
            LOAD(LOW(0)), WHERE(BPF_JEQ, 0, 5), LOAD(LOW(2)), WHERE(BPF_JEQ, 0, 3), LOAD(HIGH(2)),
            WHERE(BPF_JEQ, 0, 1), RETURN(SECCOMP_RET_ALLOW), RETURN(KILL));
        break;
    }
}

static int filter_calls(int socket) {
    struct filter filter = {.count = 0};
    // Calls of another architecture have other numbers; those of x32 have a bit that no number in the table has.
    const struct sock_filter head[] = {
        LOAD(offsetof(struct seccomp_data, arch)), UNLESS(BPF_JEQ, ARCHITECTURE, 1), RETURN(KILL),
        LOAD(offsetof(struct seccomp_data, nr)),
    };
    add(&filter, head, sizeof head / sizeof *head);
    for (size_t index = 0; index < sizeof rules / sizeof *rules; index++)
        if (rules[index].number != NO_CALL) add_rule(&filter, &rules[index], socket);
    const struct sock_filter tail = RETURN(KILL);
    add(&filter, &tail, 1);
    if (filter.count >= MOST_INSTRUCTIONS) return -1;
    struct sock_fprog program = {.len = (unsigned short)filter.count, .filter = filter.code};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

#else

static int filter_calls(int socket) {
    (void)socket;
    return -1;
}

#endif

unsigned sb_lock(unsigned wanted, int socket, uint64_t memory) {
    unsigned bits = 0;
    if (wanted & SB_NO_NEW_PRIVILEGES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) bits |= SB_NO_NEW_PRIVILEGES;
    // Landlock's rules are a descriptor for a moment, so the limit on those comes later.
    if (wanted & SB_LANDLOCK && restrict_files() == 0) bits |= SB_LANDLOCK;
    if (wanted & SB_LIMITS && set_limits(memory) == 0) bits |= SB_LIMITS;
    if (wanted & SB_SECCOMP && filter_calls(socket) == 0) bits |= SB_SECCOMP;
    return bits;
}

// The probe -------------------------------------------------------------------------------------------------------------

/// What became of a child process that locks itself: its wait status, or -1. With `tries` it then asks for what the table lacks.
static int lock_child(int tries) {
    pid_t child = fork();
    if (child < 0) return -1;
    if (child == 0) {
        unsigned bits = sb_lock(SB_ALL, 0, 0);
        if (tries) syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
        _exit((int)bits);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return status;
}

void sb_probe(sb_report *report) {
    memset(report, 0, sizeof *report);
    report->landlock = landlock_version();
    int status = lock_child(0);
    if (status < 0 || !WIFEXITED(status)) return;
    report->bits = (unsigned)WEXITSTATUS(status) & SB_ALL;
    if (!(report->bits & SB_SECCOMP)) return;
    status = lock_child(1);
    report->kills = status >= 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

#else

unsigned sb_lock(unsigned wanted, int socket, uint64_t memory) {
    (void)socket;
    return wanted & SB_LIMITS && set_limits(memory) == 0 ? SB_LIMITS : 0;
}

void sb_probe(sb_report *report) {
    memset(report, 0, sizeof *report);
    report->bits = SB_LIMITS;
}

#endif
