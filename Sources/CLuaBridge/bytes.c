#include <stdlib.h>

#include "internal.h"

bool bytes_grow(lb_bytes *bytes, size_t extra) {
    size_t wanted = bytes->count + extra;
    if (wanted < extra) return false;
    // Geometric growth, so that many small appends cost one copy each on average.
    if (wanted < bytes->capacity * 2) wanted = bytes->capacity * 2;
    if (wanted < 256) wanted = 256;
    uint8_t *moved = realloc(bytes->data, wanted);
    if (!moved) return false;
    bytes->data = moved;
    bytes->capacity = wanted;
    return true;
}

bool bytes_append(lb_bytes *bytes, const void *source, size_t length) {
    if (!bytes_reserve(bytes, length)) return false;
    if (length > 0) memcpy(bytes->data + bytes->count, source, length);
    bytes->count += length;
    return true;
}

bool bytes_text(lb_bytes *bytes, const char *text) { return bytes_append(bytes, text, strlen(text)); }

void bytes_free(lb_bytes *bytes) {
    free(bytes->data);
    *bytes = (lb_bytes){0};
}
