// The files of the dashboard, embedded as bytes.
#ifndef AIKIT_DASHBOARD_H
#define AIKIT_DASHBOARD_H

#include <stddef.h>

#if defined(__clang__)
#define DASHBOARD_NULLABLE _Nullable
#define DASHBOARD_NONNULL _Nonnull
#else
#define DASHBOARD_NULLABLE
#define DASHBOARD_NONNULL
#endif

/// One file; the bytes have no terminating NUL and live as long as the process.
typedef struct dashboard_file {
    const char *DASHBOARD_NONNULL name;
    const unsigned char *DASHBOARD_NONNULL bytes;
    size_t length;
} dashboard_file;

/// The file at an index from 0, NULL behind the last.
const dashboard_file *DASHBOARD_NULLABLE dashboard_at(size_t index);

#endif
