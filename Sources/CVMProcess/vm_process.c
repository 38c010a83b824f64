#define _GNU_SOURCE
#include "vm_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

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

int vp_spawn(const char *path, char *const arguments[], char *const environment[], int socket, pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int status = posix_spawn_file_actions_init(&actions);
    if (status != 0) return status;
    status = posix_spawnattr_init(&attributes);
    if (status != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return status;
    }
    // A group of its own: Ctrl-C is for the host, which asks its processes to stop.
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP;
    sigset_t signals;
    sigfillset(&signals);
    status = posix_spawnattr_setsigdefault(&attributes, &signals);
    sigemptyset(&signals);
    if (status == 0) status = posix_spawnattr_setsigmask(&attributes, &signals);
    if (status == 0) status = posix_spawnattr_setpgroup(&attributes, 0);
    if (status == 0) status = posix_spawn_file_actions_adddup2(&actions, socket, VP_SOCKET);
    for (int target = 0; status == 0 && target < VP_SOCKET; target++)
        status = posix_spawn_file_actions_addopen(&actions, target, "/dev/null", target == 0 ? O_RDONLY : O_WRONLY, 0);
#if defined(__APPLE__)
    flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#elif defined(__GLIBC__)
    if (status == 0) status = posix_spawn_file_actions_addclosefrom_np(&actions, VP_SOCKET + 1);
#endif
    if (status == 0) status = posix_spawnattr_setflags(&attributes, flags);
    if (status == 0) status = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return status;
}

void vp_die_with_parent(void) {
#ifdef __linux__
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
