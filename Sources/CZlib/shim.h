#include <zlib.h>

// deflateInit2 is a macro, which Swift cannot call. 31 window bits stand for the gzip format.
static inline int aikit_gzip_begin(z_stream *stream) {
    return deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
}
