#define _GNU_SOURCE
#include "vm_process.h"

#include <host_system.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#define VP_PAGE_SIZE 4096

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

int vp_connect(int ends[2]) {
#ifdef SOCK_CLOEXEC
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : errno;
#else
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return errno;
    for (int end = 0; end < 2; end++) fcntl(ends[end], F_SETFD, FD_CLOEXEC);
    return 0;
#endif
}

int vp_make_page(void) {
#if defined(__linux__) && defined(MFD_ALLOW_SEALING)
    int page = memfd_create("aikit-lua", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (page < 0) return -1;
    // Who reads beyond the end of a file that has shrunk dies.
    if (ftruncate(page, VP_PAGE_SIZE) == 0 && fcntl(page, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return page;
    close(page);
#endif
    return -1;
}

uint64_t *vp_map_page(int descriptor) {
    if (descriptor < 0) return NULL;
    void *page = mmap(NULL, VP_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    return page == MAP_FAILED ? NULL : page;
}

void vp_unmap_page(uint64_t *page) {
    if (page) munmap(page, VP_PAGE_SIZE);
}

/// A copy of a descriptor that no number of the process to be started is.
static int above(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, VP_PAGE + 1); }

int vp_spawn(const char *path, char *const arguments[], char *const environment[], int socket, int page, pid_t *pid) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) return errno;
    int nothing = above(null), end = above(socket), shared = above(page < 0 ? null : page);
    int status = nothing < 0 || end < 0 || shared < 0 ? errno : 0;
    close(null);
    const int streams[VP_PAGE + 1] = {nothing, nothing, nothing, end, shared};
    // A group of its own: Ctrl-C is for the host, which asks its processes to stop.
    if (status == 0) status = hs_spawn(path, arguments, environment, -1, streams, VP_PAGE + 1, 1, pid);
    if (nothing >= 0) close(nothing);
    if (end >= 0) close(end);
    if (shared >= 0) close(shared);
    return status;
}

void vp_die_with_parent(void) {
#ifdef __linux__
    // It was started by a path that does not tell.
    prctl(PR_SET_NAME, "aikit-lua", 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
#endif
}

ssize_t vp_receive(int socket, void *bytes, size_t count) {
    ssize_t received;
    do received = recv(socket, bytes, count, 0);
    while (received < 0 && errno == EINTR);
    return received;
}

int vp_send(int socket, const void *bytes, size_t count) {
    const char *rest = bytes;
    while (count > 0) {
        ssize_t sent = send(socket, rest, count, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return errno;
        rest += sent;
        count -= (size_t)sent;
    }
    return 0;
}

ssize_t vp_try_send(int socket, const void *bytes, size_t count) {
    ssize_t sent;
    do sent = send(socket, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0) return sent;
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
}

void vp_await(pid_t pid) {
    siginfo_t information;
    while (waitid(P_PID, (id_t)pid, &information, WEXITED | WNOWAIT) < 0)
        if (errno != EINTR) return;
}

int vp_wait(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return status;
}

int vp_signal(int status) { return status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

const char *vp_signal_name(int signal) {
    switch (signal) {
    case SIGABRT: return "SIGABRT";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    case SIGKILL: return "SIGKILL";
    case SIGSEGV: return "SIGSEGV";
    case SIGSYS: return "SIGSYS";
    case SIGTERM: return "SIGTERM";
    case SIGTRAP: return "SIGTRAP";
    case SIGXCPU: return "SIGXCPU";
    default: return "another signal";
    }
}

#ifdef DEBUG
#include <arpa/inet.h>
#include <string.h>
#include <sys/stat.h>

void vp_fault(const char *name) {
    if (strcmp(name, "segv") == 0) raise(SIGSEGV);
    if (strcmp(name, "abort") == 0) raise(SIGABRT);
    if (strcmp(name, "exit") == 0) _exit(0);
    if (strcmp(name, "open") == 0 && open("/etc/passwd", O_RDONLY) >= 0) _exit(9);
    if (strcmp(name, "make") == 0) mkdir("/tmp/aikit-lua-escaped", 0700);
    if (strcmp(name, "socket") == 0) socket(AF_INET, SOCK_STREAM, 0);
    if (strcmp(name, "fork") == 0 && fork() == 0) _exit(0);
    if (strcmp(name, "kill-parent") == 0) kill(getppid(), SIGKILL);
    if (strcmp(name, "execute") == 0) {
        char *arguments[] = {"touch", "/tmp/aikit-lua-escaped", NULL};
        execve("/usr/bin/touch", arguments, arguments + 2);
    }
    // Nothing interrupts this.
    if (strcmp(name, "spin") == 0) for (volatile int turn = 0;; turn = turn + 1) {}
}
#else
void vp_fault(const char *name) { (void)name; }
#endif
