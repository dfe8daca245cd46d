/* The CRC-32 of Ethernet and gzip over 64 KiB, by a table, a byte at a time: a chain of dependent loads. */
#include "bench.h"

#define LENGTH 65536
#define POLYNOMIAL 0xedb88320

const u32 bench_rounds = 3000;

static u8 data[LENGTH];
static u32 table[256];

void bench_setup(void)
{
  for (u32 i = 0; i < 256; i++) {
    u32 value = i;
    for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ POLYNOMIAL : value >> 1;
    table[i] = value;
  }
  for (u32 i = 0; i < LENGTH; i++) data[i] = bench_random();
}

static NOINLINE u32 crc32(u32 crc, const u8 *bytes, size_t length)
{
  while (length--) crc = table[(crc ^ *bytes++) & 255] ^ crc >> 8;
  return crc;
}

u64 bench_round(u32 index)
{
  data[index % LENGTH] ^= index;
  return ~crc32(~0u, data, LENGTH);
}
