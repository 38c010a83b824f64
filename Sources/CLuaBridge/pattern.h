// Lua's patterns, matched by a matcher of our own that can be interrupted: the one of the standard library backtracks inside C,
// where no hook fires, and a handler has to be stoppable wherever it is (rule 7).
#ifndef AIKIT_LUA_BRIDGE_PATTERN_H
#define AIKIT_LUA_BRIDGE_PATTERN_H

#include "internal.h"

#define MAX_CAPTURES 32

typedef struct capture {
    const char *start;
    /// In bytes, or one of the two below.
    ptrdiff_t length;
} capture;

enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 };

typedef struct matcher {
    lua_State *L;
    const char *subject, *subject_end, *pattern_end;
    int depth;
    /// Counts down to the next look at whether the step is being stopped.
    uint32_t patience;
    int captures;
    capture capture[MAX_CAPTURES];
} matcher;

void matcher_init(matcher *m, lua_State *L, const char *subject, size_t subject_length, const char *pattern, size_t pattern_length);

/// Matches the pattern at `at` exactly; where the match ends, or NULL. RAISES on a malformed pattern.
const char *match_here(matcher *m, const char *at, const char *pattern);

/// Pushes capture `index` (the whole match from `start` to `end` when there are none). RAISES.
void push_capture(matcher *m, int index, const char *start, const char *end);

/// Pushes all captures, or the whole match when there are none and `start` is given; how many. RAISES.
int push_captures(matcher *m, const char *start, const char *end);

#endif
