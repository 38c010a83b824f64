#define _GNU_SOURCE
#include "sandbox_attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sandbox.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

/// What an attempt finds: descriptors that were open before, and its parent.
struct place {
    /// The one socket of the process, and another one.
    int socket, other;
    pid_t parent;
};

static long call_open(const struct place *at) { (void)at; return open("/etc/hostname", O_RDONLY); }
static long call_create(const struct place *at) { (void)at; return open("/tmp/aikit-escaped", O_WRONLY | O_CREAT, 0600); }
static long call_stat(const struct place *at) { struct stat info; (void)at; return stat("/etc/passwd", &info); }
static long call_unlink(const struct place *at) { (void)at; return unlink("/tmp/aikit-nothing"); }
static long call_mkdir(const struct place *at) { (void)at; return mkdir("/tmp/aikit-escaped.d", 0700); }
static long call_chdir(const struct place *at) { (void)at; return chdir("/"); }
static long call_socket(const struct place *at) { (void)at; return socket(AF_INET, SOCK_STREAM, 0); }
static long call_local_socket(const struct place *at) { (void)at; return socket(AF_UNIX, SOCK_STREAM, 0); }
static long call_connect(const struct place *at) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(at->other, (struct sockaddr *)&address, sizeof address);
}
static long call_bind(const struct place *at) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return bind(at->other, (struct sockaddr *)&address, sizeof address);
}
static long call_write(const struct place *at) { return write(at->other, "x", 1); }
static long call_pipe(const struct place *at) { int ends[2]; (void)at; return pipe(ends); }
static long call_dup(const struct place *at) { return dup(at->socket); }
static long call_ioctl(const struct place *at) { int ready; return ioctl(at->socket, FIONREAD, &ready); }
static long call_memfd(const struct place *at) { (void)at; return syscall(SYS_memfd_create, "x", 0); }
static long call_exec(const struct place *at) {
    char *arguments[] = {"true", NULL};
    (void)at;
    return execve("/bin/true", arguments, arguments + 1);
}
static long call_fork(const struct place *at) {
    (void)at;
    pid_t child = fork();
    if (child == 0) _exit(0);
    return child;
}
static long call_ptrace(const struct place *at) { return ptrace(PTRACE_ATTACH, at->parent, NULL, NULL); }
static long call_peek(const struct place *at) {
    char bytes[8];
    struct iovec here = {bytes, sizeof bytes}, there = {(void *)&call_peek, sizeof bytes};
    return syscall(SYS_process_vm_readv, at->parent, &here, 1, &there, 1, 0);
}
static long call_kill_parent(const struct place *at) { return kill(at->parent, 0); }
static long call_signal_thread(const struct place *at) { return syscall(SYS_tgkill, at->parent, at->parent, 0); }
static long call_executable(const struct place *at) {
    (void)at;
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}
static long call_protect(const struct place *at) {
    (void)at;
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(memory, 4096, PROT_READ | PROT_EXEC);
}
static long call_raise_limit(const struct place *at) {
    struct rlimit limit = {64, 64};
    (void)at;
    return setrlimit(RLIMIT_NOFILE, &limit);
}
static long call_dumpable(const struct place *at) { (void)at; return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }
static long call_unshare(const struct place *at) { (void)at; return unshare(CLONE_NEWUSER); }
static long call_setuid(const struct place *at) { (void)at; return setuid(0); }
static long call_bpf(const struct place *at) { (void)at; return syscall(SYS_bpf, 0, NULL, 0); }
static long call_uring(const struct place *at) { (void)at; return syscall(SYS_io_uring_setup, 1, NULL); }
static long call_keyring(const struct place *at) { (void)at; return syscall(SYS_keyctl, 0, 0, 0, 0, 0); }
static long call_events(const struct place *at) { (void)at; return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0); }
static long call_unknown(const struct place *at) { (void)at; return syscall(100000); }

static const struct {
    const char *name;
    long (*make)(const struct place *);
} attempts[] = {
    {"open a file", call_open}, {"make a file", call_create}, {"look at a file", call_stat},
    {"remove a file", call_unlink}, {"make a folder", call_mkdir}, {"change the folder", call_chdir},
    {"make a socket", call_socket}, {"make a local socket", call_local_socket}, {"connect", call_connect},
    {"bind", call_bind}, {"write elsewhere", call_write}, {"make a pipe", call_pipe},
    {"copy a descriptor", call_dup}, {"control a device", call_ioctl}, {"make a file in memory", call_memfd},
    {"start a program", call_exec}, {"fork", call_fork}, {"trace the parent", call_ptrace},
    {"read the parent's memory", call_peek}, {"signal the parent", call_kill_parent},
    {"signal a thread of the parent", call_signal_thread}, {"map memory to execute", call_executable},
    {"make memory executable", call_protect}, {"raise a limit", call_raise_limit},
    {"let itself be dumped", call_dumpable}, {"leave its namespaces", call_unshare},
    {"change the user", call_setuid}, {"load a program into the kernel", call_bpf},
    {"have the kernel queue calls", call_uring}, {"read keys", call_keyring}, {"watch the processor", call_events},
    {"make a call that there is not", call_unknown},
};

int sa_count(void) { return sizeof attempts / sizeof *attempts; }
const char *sa_name(int attempt) { return attempts[attempt].name; }

int sa_try(int attempt, unsigned wanted, sa_outcome *outcome) {
    memset(outcome, 0, sizeof *outcome);
    int ends[2];
    if (attempt < 0 || attempt >= sa_count() || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return -1;
    struct place at = {.socket = ends[1], .other = socket(AF_INET, SOCK_STREAM, 0), .parent = getpid()};
    pid_t child = fork();
    if (child == 0) {
        unsigned report[2] = {sb_lock(wanted, at.socket, 0), 0};
        report[1] = attempts[attempt].make(&at) < 0 ? (unsigned)errno : 0;
        _exit(write(at.socket, report, sizeof report) == sizeof report ? 0 : 1);
    }
    close(ends[1]);
    if (at.other >= 0) close(at.other);
    int status = -1;
    if (child > 0) while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    unsigned report[2] = {0, 0};
    long count = read(ends[0], report, sizeof report);
    close(ends[0]);
    if (child < 0) return -1;
    if (WIFSIGNALED(status)) {
        outcome->signal = WTERMSIG(status);
        return 0;
    }
    outcome->bits = report[0];
    outcome->error = (int)report[1];
    return count == sizeof report ? 0 : -1;
}

#else

int sa_count(void) { return 0; }
const char *sa_name(int attempt) { (void)attempt; return ""; }
int sa_try(int attempt, unsigned wanted, sa_outcome *outcome) {
    (void)attempt; (void)wanted; (void)outcome;
    return -1;
}

#endif
