// Attempts to leave the sandbox, each in a process of its own. For tests alone: no product may depend on it.
#ifndef SANDBOX_ATTEMPT_H
#define SANDBOX_ATTEMPT_H

/// How many attempts there are.
int sa_count(void);

/// The name of an attempt, from 0.
const char *sa_name(int attempt);

/// What became of it in a process that was locked as `wanted` says.
typedef struct {
    /// The signal that ended the process; 0 for none.
    int signal;
    /// 0 where the attempt succeeded, else its error number.
    int error;
    /// The locks that held; valid where no signal ended the process.
    unsigned bits;
} sa_outcome;

/// Makes one attempt. Any thread. Returns 0, or -1 where no process could be started.
int sa_try(int attempt, unsigned wanted, sa_outcome *outcome);

#endif
