#define _GNU_SOURCE
#include "host_system.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdio.h>
#include <sys/wait.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <sys/vfs.h>
#endif

#ifdef __GLIBC__
#include <malloc.h>
#endif

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

extern char **environ;

int hs_pipe(int ends[2]) {
#ifdef __linux__
    return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
#else
    if (pipe(ends) != 0) return errno;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
#endif
}

int hs_spawn(
    const char *path, char *const arguments[], char *const *environment, int folder, const int *streams, int count,
    int leads_group, pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int status = posix_spawn_file_actions_init(&actions);
    if (status != 0) return status;
    status = posix_spawnattr_init(&attributes);
    if (status != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return status;
    }
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    sigset_t signals;
    sigfillset(&signals);
    status = posix_spawnattr_setsigdefault(&attributes, &signals);
    sigemptyset(&signals);
    if (status == 0) status = posix_spawnattr_setsigmask(&attributes, &signals);
    if (status == 0 && leads_group) {
        flags |= POSIX_SPAWN_SETPGROUP;
        status = posix_spawnattr_setpgroup(&attributes, 0);
    }
    for (int target = 0; status == 0 && target < count; target++)
        if (streams[target] >= 0) status = posix_spawn_file_actions_adddup2(&actions, streams[target], target);
    if (status == 0 && folder >= 0) status = posix_spawn_file_actions_addfchdir_np(&actions, folder);
#if defined(__APPLE__)
    flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
    for (int target = 0; status == 0 && target < count; target++)
        status = posix_spawn_file_actions_addinherit_np(&actions, target);
#elif defined(__GLIBC__)
    if (status == 0) status = posix_spawn_file_actions_addclosefrom_np(&actions, count);
#endif
    if (status == 0) status = posix_spawnattr_setflags(&attributes, flags);
    if (status == 0)
        status = posix_spawn(pid, path, &actions, &attributes, arguments, environment ? environment : environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return status;
}

int hs_watch_process(pid_t pid) {
#if defined(__linux__) && defined(SYS_pidfd_open)
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

int hs_has_ended(pid_t pid) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int status = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return status != 0 || info.si_pid == pid;
}

int hs_is_process_file(int descriptor) {
#ifdef __linux__
    struct statfs info;
    if (fstatfs(descriptor, &info) != 0) return 1;
    return info.f_type == 0x9fa0 || info.f_type == 0x62656572;
#else
    (void)descriptor;
    return 0;
#endif
}

static atomic_bool plays_old_kernel;

int hs_replace(int folder, const char *from, const char *to) {
    return renameat(folder, from, folder, to) == 0 ? 0 : errno;
}

/// Takes the name with an empty file, which the rename replaces.
static int rename_reserved(const char *from, const char *to) {
    int file = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return errno;
    close(file);
    if (rename(from, to) == 0) return 0;
    int error = errno;
    unlink(to);
    return error;
}

int hs_rename_new(const char *from, const char *to) {
    if (!atomic_load(&plays_old_kernel)) {
#if defined(__linux__) && defined(SYS_renameat2)
        // RENAME_NOREPLACE, which the headers of older systems lack.
        if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 1) == 0) return 0;
#elif defined(__APPLE__)
        if (renamex_np(from, to, RENAME_EXCL) == 0) return 0;
#else
        errno = ENOSYS;
#endif
        // Not every kernel and file system can do so.
        if (errno != ENOSYS && errno != EINVAL && errno != ENOTSUP && errno != EPERM) return errno;
    }
    return rename_reserved(from, to);
}

// Files below a folder -------------------------------------------------------------------------------------------------

#ifdef __linux__
const int hs_flags_for_stat = O_PATH;
#else
const int hs_flags_for_stat = O_RDONLY | O_NONBLOCK | O_NOCTTY;
#endif

void hs_play_old_kernel(int is_old) { atomic_store(&plays_old_kernel, is_old != 0); }

#if defined(__linux__) && defined(SYS_openat2)
/// The kernel's struct open_how, whose header older systems lack.
struct how { uint64_t flags, mode, resolve; };
#define HOW_NO_MAGICLINKS 0x02
#define HOW_BENEATH 0x08
#endif

/// Opens part after part, following no link.
static int walk_beneath(int root, const char *path, int flags, mode_t mode) {
    int at = fcntl(root, F_DUPFD_CLOEXEC, 3);
    if (at < 0) return -1;
    while (1) {
        while (*path == '/') path++;
        size_t length = strcspn(path, "/");
        char part[NAME_MAX + 1];
        if (length > NAME_MAX) {
            close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, path, length);
        part[length] = 0;
        path += length;
        if (strcmp(part, "..") == 0) {
            close(at);
            errno = EXDEV;
            return -1;
        }
        const char *rest = path;
        while (*rest == '/') rest++;
        int is_last = *rest == 0;
        int how = is_last ? flags | O_NOFOLLOW | O_CLOEXEC : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        int next = openat(at, length > 0 ? part : ".", how, mode);
        int error = errno;
        struct stat info;
        // A link in the place of a folder is a link, whichever error the kernel has for it.
        if (next < 0 && error == ENOTDIR && fstatat(at, part, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode))
            error = ELOOP;
        close(at);
#ifdef __linux__
        // With O_PATH a link itself is opened.
        if (next >= 0 && is_last && how & O_PATH && (fstat(next, &info) != 0 || S_ISLNK(info.st_mode))) {
            close(next);
            next = -1;
            error = ELOOP;
        }
#endif
        errno = error;
        if (next < 0 || is_last) return next;
        at = next;
    }
}

int hs_open_beneath(int root, const char *path, int flags, mode_t mode) {
    if (*path == '/') {
        errno = EXDEV;
        return -1;
    }
#if defined(__linux__) && defined(SYS_openat2)
    if (!atomic_load(&plays_old_kernel)) {
        struct how how = {
            .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC), .mode = flags & O_CREAT ? mode : 0,
            .resolve = HOW_BENEATH | HOW_NO_MAGICLINKS,
        };
        // A rename in the tree meanwhile makes the kernel ask for another try.
        for (int tries = 0; tries < 64; tries++) {
            long descriptor = syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
            if (descriptor >= 0) return (int)descriptor;
            if (errno != EAGAIN && errno != EINTR) break;
        }
        // Kernels before 5.6 lack it, and some containers refuse what they do not know.
        if (errno != ENOSYS && errno != EPERM) return -1;
    }
#endif
    return walk_beneath(root, path, flags, mode);
}

void hs_limit_arenas(int count) {
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, count);
#else
    (void)count;
#endif
}

void hs_return_memory(size_t kept) {
#ifdef __GLIBC__
    if (mallinfo2().fordblks > kept) malloc_trim(0);
#else
    (void)kept;
#endif
}

void hs_limit_stacks(size_t bytes) {
#ifdef __linux__
    pthread_attr_t attributes;
    if (pthread_getattr_default_np(&attributes) != 0) return;
    size_t size = 0;
    if (pthread_attr_getstacksize(&attributes, &size) == 0 && size > bytes &&
        pthread_attr_setstacksize(&attributes, bytes) == 0)
        pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
#else
    (void)bytes;
#endif
}
