#include <zlib.h>

// deflateInit2 is a macro, which Swift cannot call. 31 window bits stand for the gzip format. Level 3 takes a third of the time of
// the usual one, and spans become a twentieth of their size instead of a twenty-fifth.
static inline int aikit_gzip_begin(z_stream *stream) {
    return deflateInit2(stream, 3, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
}

// inflateInit2 is a macro as well. 15 window bits are the largest window; 32 more read zlib and gzip, whichever it is.
static inline int aikit_inflate_begin(z_stream *stream) {
    return inflateInit2(stream, 15 + 32);
}
