// Measures for tests of the bridge. No program links this.
#ifndef AIKIT_LUA_BRIDGE_TESTING_H
#define AIKIT_LUA_BRIDGE_TESTING_H

#include <stddef.h>

/// The bytes of the process's heap that are in use, as the allocator counts them; 0 where it does not tell.
size_t lb_heap_bytes(void);

#endif
