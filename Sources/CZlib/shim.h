#include <zlib.h>

// deflateInit2 is a macro, which Swift cannot call. 31 window bits stand for the gzip format. Level 3 takes a third of the time of
// the usual one, and spans become a twentieth of their size instead of a twenty-fifth.
static inline int aikit_gzip_begin(z_stream *stream) {
    return deflateInit2(stream, 3, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
}
