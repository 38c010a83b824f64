#include "pattern.h"

#include <ctype.h>

#define ESCAPE '%'
#define MAX_DEPTH_OF_PATTERN 200
#define PATIENCE 2048

void matcher_init(
    matcher *m, lua_State *L, const char *subject, size_t subject_length, const char *pattern, size_t pattern_length) {
    m->L = L;
    m->subject = subject;
    m->subject_end = subject + subject_length;
    m->pattern_end = pattern + pattern_length;
    m->depth = 0;
    m->patience = PATIENCE;
    m->captures = 0;
}

/// Called for each step of matching, so that backtracking that takes hours can be stopped.
static inline void tick(matcher *m) {
    if (unlikely(--m->patience == 0)) {
        m->patience = PATIENCE;
        check_interrupt(m->L);
    }
}

// MARK: Single characters

/// Where the item that begins at `p` (one character, an escape or a set) ends.
static const char *item_end(matcher *m, const char *p) {
    char first = *p++;
    if (first == ESCAPE) {
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (first != '[') return p;
    if (p < m->pattern_end && *p == '^') p++;
    // A bracket that comes first stands for itself.
    bool first_in_set = true;
    for (;; first_in_set = false) {
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
        char c = *p++;
        if (c == ']' && !first_in_set) return p;
        if (c == ESCAPE) {
            if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
            p++;
        }
    }
}

static bool in_class(int c, int class) {
    bool member;
    switch (tolower(class)) {
    case 'a': member = isalpha(c); break;
    case 'c': member = iscntrl(c); break;
    case 'd': member = isdigit(c); break;
    case 'g': member = isgraph(c); break;
    case 'l': member = islower(c); break;
    case 'p': member = ispunct(c); break;
    case 's': member = isspace(c); break;
    case 'u': member = isupper(c); break;
    case 'w': member = isalnum(c); break;
    case 'x': member = isxdigit(c); break;
    case 'z': member = c == 0; break;  // deprecated, and still there
    default: return class == c;
    }
    return isupper(class) ? !member : member;
}

/// Whether `c` is in the set between the bracket at `p` and the closing one just before `end`.
static bool in_set(int c, const char *p, const char *end) {
    bool member = true;
    const char *last = end - 1;
    p++;
    if (*p == '^') {
        member = false;
        p++;
    }
    while (p < last) {
        if (*p == ESCAPE) {
            if (in_class(c, (unsigned char)p[1])) return member;
            p += 2;
        } else if (p[1] == '-' && p + 2 < last) {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2]) return member;
            p += 3;
        } else {
            if ((unsigned char)*p == c) return member;
            p++;
        }
    }
    return !member;
}

static inline bool item_matches(const matcher *m, const char *at, const char *p, const char *end) {
    if (at >= m->subject_end) return false;
    int c = (unsigned char)*at;
    switch (*p) {
    case '.': return true;
    case ESCAPE: return in_class(c, (unsigned char)p[1]);
    case '[': return in_set(c, p, end);
    default: return (unsigned char)*p == c;
    }
}

// MARK: Repetition

/// As many as possible, then fewer until the rest of the pattern matches.
static const char *match_greedy(matcher *m, const char *at, const char *p, const char *end) {
    const char *furthest = at;
    while (item_matches(m, furthest, p, end)) {
        furthest++;
        tick(m);
    }
    for (;; furthest--) {
        const char *result = match_here(m, furthest, end + 1);
        if (result || furthest == at) return result;
    }
}

/// As few as possible.
static const char *match_lazy(matcher *m, const char *at, const char *p, const char *end) {
    for (;; at++) {
        const char *result = match_here(m, at, end + 1);
        if (result) return result;
        if (!item_matches(m, at, p, end)) return NULL;
        tick(m);
    }
}

// MARK: Captures and the rest

static const char *open_capture(matcher *m, const char *at, const char *p, ptrdiff_t kind) {
    if (m->captures >= MAX_CAPTURES) luaL_error(m->L, "too many captures");
    m->capture[m->captures++] = (capture){at, kind};
    const char *result = match_here(m, at, p);
    if (!result) m->captures--;
    return result;
}

static const char *close_capture(matcher *m, const char *at, const char *p) {
    int open = m->captures - 1;
    while (open >= 0 && m->capture[open].length != CAPTURE_OPEN) open--;
    if (open < 0) luaL_error(m->L, "invalid pattern capture");
    m->capture[open].length = at - m->capture[open].start;
    const char *result = match_here(m, at, p);
    if (!result) m->capture[open].length = CAPTURE_OPEN;
    return result;
}

/// %1 to %9: the text of an earlier capture again; where it ends, or NULL.
static const char *match_reference(matcher *m, const char *at, char digit) {
    int index = digit - '1';
    if (index < 0 || index >= m->captures || m->capture[index].length == CAPTURE_OPEN)
        luaL_error(m->L, "invalid capture index %%%d", index + 1);
    // A position capture has no text that could come again.
    size_t length = m->capture[index].length < 0 ? SIZE_MAX : (size_t)m->capture[index].length;
    if ((size_t)(m->subject_end - at) < length || memcmp(m->capture[index].start, at, length) != 0) return NULL;
    return at + length;
}

/// %bxy: a text that begins with x, ends with y and has as many of both.
static const char *match_balanced(matcher *m, const char *at, const char *p) {
    if (p + 1 >= m->pattern_end) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (at >= m->subject_end || *at != *p) return NULL;
    int open = 1;
    for (at++; at < m->subject_end; at++) {
        tick(m);
        if (*at == p[1]) {
            if (--open == 0) return at + 1;
        } else if (*at == p[0]) {
            open++;
        }
    }
    return NULL;
}

/// %f[set]: between a character that is not in the set and one that is; both ends of the subject count as '\0'.
static bool at_frontier(matcher *m, const char *at, const char *set, const char *end) {
    int before = at == m->subject ? 0 : (unsigned char)at[-1];
    int after = at == m->subject_end ? 0 : (unsigned char)*at;
    return !in_set(before, set, end) && in_set(after, set, end);
}

const char *match_here(matcher *m, const char *at, const char *p) {
    if (unlikely(m->depth >= MAX_DEPTH_OF_PATTERN)) luaL_error(m->L, "pattern too complex");
    m->depth++;
    while (at && p < m->pattern_end) {
        tick(m);
        switch (*p) {
        case '(':
            at = p + 1 < m->pattern_end && p[1] == ')' ? open_capture(m, at, p + 2, CAPTURE_POSITION)
                                                        : open_capture(m, at, p + 1, CAPTURE_OPEN);
            goto done;
        case ')': at = close_capture(m, at, p + 1); goto done;
        case '$':
            if (p + 1 != m->pattern_end) break;
            if (at != m->subject_end) at = NULL;
            goto done;
        case ESCAPE:
            if (p + 1 == m->pattern_end) break;
            if (p[1] == 'b') {
                at = match_balanced(m, at, p + 2);
                p += 4;
                continue;
            }
            if (p[1] == 'f') {
                p += 2;
                if (p == m->pattern_end || *p != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
                const char *end = item_end(m, p);
                if (!at_frontier(m, at, p, end)) at = NULL;
                p = end;
                continue;
            }
            if (isdigit((unsigned char)p[1])) {
                at = match_reference(m, at, p[1]);
                p += 2;
                continue;
            }
            break;
        default: break;
        }
        const char *end = item_end(m, p);
        char repeat = end < m->pattern_end ? *end : '\0';
        if (repeat == '*') {
            at = match_greedy(m, at, p, end);
            goto done;
        }
        if (repeat == '-') {
            at = match_lazy(m, at, p, end);
            goto done;
        }
        bool matches = item_matches(m, at, p, end);
        if (repeat == '+') {
            at = matches ? match_greedy(m, at + 1, p, end) : NULL;
            goto done;
        }
        if (repeat == '?') {
            const char *result = matches ? match_here(m, at + 1, end + 1) : NULL;
            if (result) {
                at = result;
                goto done;
            }
            p = end + 1;
            continue;
        }
        at = matches ? at + 1 : NULL;
        p = end;
    }
done:
    m->depth--;
    return at;
}

void push_capture(matcher *m, int index, const char *start, const char *end) {
    if (index >= m->captures) {
        if (index != 0) luaL_error(m->L, "invalid capture index %%%d", index + 1);
        lua_pushlstring(m->L, start, (size_t)(end - start));
        return;
    }
    const capture *capture = &m->capture[index];
    if (capture->length == CAPTURE_OPEN) luaL_error(m->L, "unfinished capture");
    if (capture->length == CAPTURE_POSITION) lua_pushinteger(m->L, capture->start - m->subject + 1);
    else lua_pushlstring(m->L, capture->start, (size_t)capture->length);
}

int push_captures(matcher *m, const char *start, const char *end) {
    int count = m->captures == 0 && start ? 1 : m->captures;
    luaL_checkstack(m->L, count, "too many captures");
    for (int i = 0; i < count; i++) push_capture(m, i, start, end);
    return count;
}
