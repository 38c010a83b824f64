// The C side of the bridge between Swift and Lua; the rules that keep it safe stand beside the code that keeps them.
#ifndef AIKIT_LUA_BRIDGE_H
#define AIKIT_LUA_BRIDGE_H

#include <stddef.h>
#include <stdint.h>

/// Bytes of the malloc family; the layout is that of Swift's ByteArena, so either side may append.
typedef struct lb_bytes {
    uint8_t *data;
    size_t count;
    size_t capacity;
} lb_bytes;

#endif
