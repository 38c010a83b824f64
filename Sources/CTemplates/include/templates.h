// The files of new projects, embedded as text.
#ifndef AIKIT_TEMPLATES_H
#define AIKIT_TEMPLATES_H

#include <stddef.h>

#if defined(__clang__)
#define TEMPLATE_NULLABLE _Nullable
#define TEMPLATE_NONNULL _Nonnull
#else
#define TEMPLATE_NULLABLE
#define TEMPLATE_NONNULL
#endif

/// One file; the text has no terminating NUL.
typedef struct template_file {
    /// The folder of the template ("common" for what all have), and the name of the file in it.
    const char *TEMPLATE_NONNULL folder;
    const char *TEMPLATE_NONNULL name;
    const char *TEMPLATE_NONNULL text;
    size_t length;
} template_file;

/// The file at an index from 0, NULL behind the last.
const template_file *TEMPLATE_NULLABLE template_at(size_t index);

#endif
