// The guides of the folder docs, embedded as bytes.
#ifndef AIKIT_GUIDES_H
#define AIKIT_GUIDES_H

#include <stddef.h>

#if defined(__clang__)
#define GUIDES_NULLABLE _Nullable
#define GUIDES_NONNULL _Nonnull
#else
#define GUIDES_NULLABLE
#define GUIDES_NONNULL
#endif

/// One guide in Markdown; the bytes have no terminating NUL and live as long as the process.
typedef struct guide {
    /// The name of its file without the extension.
    const char *GUIDES_NONNULL name;
    const unsigned char *GUIDES_NONNULL bytes;
    size_t length;
} guide;

/// The guide at an index from 0, NULL behind the last.
const guide *GUIDES_NULLABLE guide_at(size_t index);

#endif
