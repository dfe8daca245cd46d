/* Copies of 64 KiB, aligned and not, and fills: streams of loads and stores. */
#include "bench.h"

#define LENGTH 65536

const u32 bench_rounds = 60000;

static u8 from[LENGTH + 64] __attribute__((aligned(64)));
static u8 to[LENGTH + 64] __attribute__((aligned(64)));

void bench_setup(void)
{
  for (u32 i = 0; i < sizeof from; i++) from[i] = bench_random();
}

u64 bench_round(u32 index)
{
  if (index % 16 == 0) memcpy(to + 1, from + index % 64, LENGTH / 8);
  else if (index % 16 == 8) memset(to, index, LENGTH);
  else memcpy(to, from, LENGTH);
  from[index * 8 % LENGTH] ^= index;
  return to[index * 13 % LENGTH] | (u64)to[index * 29 % LENGTH] << 32;
}
