// The Lua half of the API, embedded as source text.
#ifndef AIKIT_PRELUDE_H
#define AIKIT_PRELUDE_H

#include <stddef.h>

#if defined(__clang__)
#define PRELUDE_NULLABLE _Nullable
#define PRELUDE_NONNULL _Nonnull
#else
#define PRELUDE_NULLABLE
#define PRELUDE_NONNULL
#endif

/// One Lua file; the source has no terminating NUL.
typedef struct prelude_part {
    const char *PRELUDE_NONNULL name;
    const char *PRELUDE_NONNULL source;
    size_t length;
} prelude_part;

/// The part of that name, or NULL. The host loads "aikit"; it asks for the others when it needs them.
const prelude_part *PRELUDE_NULLABLE prelude_find(const char *PRELUDE_NONNULL name, size_t length);

/// The part at an index from 0, NULL behind the last.
const prelude_part *PRELUDE_NULLABLE prelude_at(size_t index);

#endif
