/* Text and bytes. The compiler may call memcpy and memset by itself. */
#include "monitor.h"

bool equal(const char *a, const char *b) {
  while (*a != '\0' && *a == *b) a++, b++;
  return *a == *b;
}

size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

bool parse_number(const char *text, uint64_t *value) {
  unsigned base = 10;
  if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) base = 16, text += 2;
  if (*text == '\0') return false;
  uint64_t result = 0;
  for (; *text != '\0'; text++) {
    char lower = *text | 0x20;
    unsigned digit = *text >= '0' && *text <= '9' ? *text - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
    if (digit >= base) return false;
    result = result * base + digit;
  }
  *value = result;
  return true;
}

void *memcpy(void *to, const void *from, size_t count) {
  uint8_t *target = to;
  for (const uint8_t *source = from; count > 0; count--) *target++ = *source++;
  return to;
}

void *memset(void *to, int value, size_t count) {
  for (uint8_t *target = to; count > 0; count--) *target++ = (uint8_t)value;
  return to;
}
