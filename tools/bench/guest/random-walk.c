/* A walk along a random cycle through 8 MiB: a load from another page each time. */
#include "bench.h"

#define CELLS (1u << 20)
#define STEPS 50000

const u32 bench_rounds = 80;

static u64 next[CELLS];
static u64 at;

/* One cycle through all cells (Sattolo's algorithm). */
void bench_setup(void)
{
  for (u32 i = 0; i < CELLS; i++) next[i] = i;
  for (u32 i = CELLS - 1; i > 0; i--) {
    u32 j = bench_random() % i;
    u64 other = next[i];
    next[i] = next[j];
    next[j] = other;
  }
}

u64 bench_round(u32 index)
{
  u64 here = at, sum = index;
  for (u32 i = 0; i < STEPS; i++) {
    here = next[here];
    sum += here;
  }
  at = here;
  return sum;
}
