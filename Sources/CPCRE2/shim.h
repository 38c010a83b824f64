// PCRE2's header wants the width of its code units before it is read.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
