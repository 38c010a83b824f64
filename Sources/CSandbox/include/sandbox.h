// Locks the calling process: from then on it computes, and talks through one socket. Linux gives all of it; other systems give
// the limits alone, and the result says so.
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdint.h>

/// What holds a process, as bits.
enum {
    /// No program that it would start gains rights.
    SB_NO_NEW_PRIVILEGES = 1,
    /// No further descriptors, no files that grow, no core, no more than so much memory.
    SB_LIMITS = 2,
    /// Landlock without a single right: no files, and as far as the kernel knows of them no TCP and no signals to others.
    SB_LANDLOCK = 4,
    /// A filter of system calls that ends the process at any call that is not in its table.
    SB_SECCOMP = 8,
    SB_ALL = 15,
};

/// Locks the process for good. Called once, while it has one thread; threads that it starts later inherit the lock.
///
/// - `wanted`: bits of the above; Landlock and the filter need that no program gains rights.
/// - `socket`: the only descriptor that may be read and written.
/// - `memory`: bytes of address space; 0 for as much as before.
///
/// Returns which of the bits above hold. What the kernel does not give is left out, and the rest holds nevertheless.
unsigned sb_lock(unsigned wanted, int socket, uint64_t memory);

/// What the kernel gives.
typedef struct {
    /// What ``sb_lock`` would give, of all, to a process that this one starts.
    unsigned bits;
    /// The version of Landlock's interface; 0 without Landlock.
    int landlock;
    /// Whether a process that was locked has been seen to die of a call that is not in the table.
    int kills;
} sb_report;

/// Tries the lock out in short-lived child processes. Any thread.
void sb_probe(sb_report *report);

#endif
