/* What gcc expects of a freestanding environment, in plain words of eight bytes. */
#include "bench.h"

void *memcpy(void *destination, const void *source, size_t length)
{
  u8 *to = destination;
  const u8 *from = source;
  if (!(((u64)to | (u64)from) & 7)) {
    for (; length >= 8; length -= 8, to += 8, from += 8) *(u64 *)to = *(const u64 *)from;
  }
  while (length--) *to++ = *from++;
  return destination;
}

void *memset(void *destination, int value, size_t length)
{
  u8 *to = destination;
  u64 word = (u64)(u8)value * 0x0101010101010101;
  for (; length && ((u64)to & 7); length--) *to++ = value;
  for (; length >= 8; length -= 8, to += 8) *(u64 *)to = word;
  while (length--) *to++ = value;
  return destination;
}
