// What the host needs of the system and Swift does not import: GNU extensions and newer system calls.
// No function keeps a pointer that it is given. Any thread.
#ifndef HOST_SYSTEM_H
#define HOST_SYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Makes a pipe whose ends are closed in programs that this process starts; 0 or an error number.
int hs_pipe(int ends[2]);

/// Starts the program at `path` (nothing is searched) with its first `count` descriptors, of which there are at least three, taken
/// from `streams` (-1 leaves this process's one), no other descriptor, and the usual signals.
///
/// - `streams`: of more than three, numbers below `count` may only stand at their own place.
/// - `environment`: NULL for that of this process.
/// - `folder`: a descriptor of the folder that it works in; -1 for that of this process.
/// - `leads_group`: whether it leads a process group of its own, whose number is its own.
///
/// Returns 0 and its process id in `pid`, or an error number.
int hs_spawn(
    const char *path, char *const arguments[], char *const *environment, int folder, const int *streams, int count,
    int leads_group, pid_t *pid);

/// Opens `path`, which is relative, below the folder `root`: no part of it, symbolic links included, leads out of it.
///
/// Uses openat2 where the kernel has it, else walks the parts without following any link. Returns a descriptor, closed in
/// programs that this process starts, or -1 with errno: EXDEV where the path leads out, ELOOP where the walk meets a link.
int hs_open_beneath(int root, const char *path, int flags, mode_t mode);

/// The flags that open a file to be asked about with fstat, whatever it is, and do nothing else to it. Where the system has O_PATH
/// they need no right to read it.
extern const int hs_flags_for_stat;

/// Whether a descriptor is of a file by which the kernel shows processes or itself (procfs, sysfs).
int hs_is_process_file(int descriptor);

/// Renames within a folder, replacing what has the new name; 0 or an error number.
int hs_replace(int folder, const char *from, const char *to);

/// Gives a file another name that nothing has yet: at no moment has it both, or neither. 0 or an error number, EEXIST where there is
/// something; both are as they were then.
///
/// Where the system cannot do so in one step, an empty file has the name for a moment.
int hs_rename_new(const char *from, const char *to);

/// A descriptor that can be read once the process has ended; -1 where the system has none.
int hs_watch_process(pid_t pid);

/// Whether a child of this process has ended; it stays to be waited for.
int hs_has_ended(pid_t pid);

/// Gives threads that begin later, and whose makers ask for nothing, stacks of at most so many bytes, where the system can do so.
void hs_limit_stacks(size_t bytes);

/// Has malloc keep so many arenas at most, each of which reserves 64 MiB of address space or more. Called before threads are started.
void hs_limit_arenas(int count);

/// Has malloc give back what is free, where that is more than so many bytes.
void hs_return_memory(size_t kept);

/// Whether a kernel without openat2 and renameat2 is to be played, for tests; process-wide.
void hs_play_old_kernel(int is_old);

#endif
