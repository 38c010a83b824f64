#include "internal.h"

/// Well-formed UTF-8 has no overlong forms, no surrogates and nothing beyond U+10FFFF.
size_t utf8_prefix(const uint8_t *start, size_t length) {
    const uint8_t *bytes = start, *end = bytes + length;
    while (bytes < end) {
        // Text is mostly ASCII: eight bytes at a time while no high bit is set.
        while (end - bytes >= 8) {
            uint64_t word;
            memcpy(&word, bytes, 8);
            if (word & 0x8080808080808080u) break;
            bytes += 8;
        }
        while (bytes < end && *bytes < 0x80) bytes++;
        if (bytes == end) return length;
        uint8_t lead = *bytes;
        size_t left = (size_t)(end - bytes);
        uint8_t low = 0x80, high = 0xBF;
        size_t count;
        if (lead >= 0xC2 && lead <= 0xDF) count = 2;
        else if (lead >= 0xE0 && lead <= 0xEF) {
            count = 3;
            if (lead == 0xE0) low = 0xA0;
            if (lead == 0xED) high = 0x9F;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            count = 4;
            if (lead == 0xF0) low = 0x90;
            if (lead == 0xF4) high = 0x8F;
        } else break;
        if (left < count || bytes[1] < low || bytes[1] > high) break;
        size_t i = 2;
        while (i < count && (bytes[i] & 0xC0) == 0x80) i++;
        if (i < count) break;
        bytes += count;
    }
    return (size_t)(bytes - start);
}
