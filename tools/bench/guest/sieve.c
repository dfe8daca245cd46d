/* The sieve of Eratosthenes to a million: strided byte stores and a branch for each number. */
#include "bench.h"

#define LIMIT 1000000

const u32 bench_rounds = 160;

static u8 composite[LIMIT + 1];

void bench_setup(void) {}

u64 bench_round(u32 index)
{
  u32 limit = LIMIT - index;
  u64 sum = 0;
  memset(composite, 0, limit + 1);
  for (u32 i = 2; i <= limit; i++) {
    if (composite[i]) continue;
    sum += i;
    for (u64 j = (u64)i * i; j <= limit; j += i) composite[j] = 1;
  }
  return sum;
}
