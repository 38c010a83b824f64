// What VMProcess needs of the system and Swift does not import. No function keeps a pointer that it is given.
#ifndef VM_PROCESS_H
#define VM_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// The numbers of the socket and of the shared page in a VM process.
enum { VP_SOCKET = 3, VP_PAGE = 4 };

/// Makes a page of zeros that this process shares with one that is given the descriptor; -1 where the system has none. Its size is
/// fixed for good. Any thread.
int vp_make_page(void);

/// The page behind a descriptor, or NULL. It stays when the descriptor is closed, until ``vp_unmap_page``.
uint64_t *vp_map_page(int descriptor);

/// Gives a page back; nothing for NULL.
void vp_unmap_page(uint64_t *page);

/// Makes two connected sockets that are closed in programs which this process starts; 0 or an error number. Any thread.
int vp_connect(int ends[2]);

/// Starts the program at `path` with `socket` as descriptor ``VP_SOCKET``, `page` (-1 for none) as ``VP_PAGE``, nothing to read, nowhere to write, no other descriptor,
/// and the usual signals. Returns 0 and its process id in `pid`, or an error number.
///
/// Where the system can, the process dies with the thread that calls this, once it has called ``vp_die_with_parent``.
int vp_spawn(const char *path, char *const arguments[], char *const environment[], int socket, int page, pid_t *pid);

/// Has the system end this process when the thread that started it ends; `parent` is the process id that started it.
void vp_die_with_parent(void);

/// Reads up to `count` bytes; as `read` does, but goes on after signals.
ssize_t vp_receive(int socket, void *bytes, size_t count);

/// Writes all bytes, whether or not the other end can be written to; 0 or an error number.
int vp_send(int socket, const void *bytes, size_t count);

/// Writes as many bytes as the other end has room for, without waiting; -1 where it cannot be written to at all.
ssize_t vp_try_send(int socket, const void *bytes, size_t count);

/// Waits for the end of a child process, whose number stays its own until `vp_wait`.
void vp_await(pid_t pid);

/// Waits for the end of a child process, lets go of it and gives its wait status, or -1.
int vp_wait(pid_t pid);

/// The signal of a wait status; 0 where the process ended by itself.
int vp_signal(int status);

/// The name of a signal, such as SIGSEGV.
const char *vp_signal_name(int signal);

/// Does what a broken program might do, by its name: for tests. Does nothing in release builds.
void vp_fault(const char *name);

#endif
