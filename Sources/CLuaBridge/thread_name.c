#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>

#include "include/lua_bridge.h"

void lb_name_thread(const char *name) {
#ifdef __APPLE__
    pthread_setname_np(name);
#else
    char cut[16];  // the most that Linux takes
    snprintf(cut, sizeof cut, "%s", name);
    pthread_setname_np(pthread_self(), cut);
#endif
}
