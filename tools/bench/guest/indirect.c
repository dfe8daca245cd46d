/* Calls through pointers: a fixed turn of eight functions, and one that depends on the data. */
#include "bench.h"

#define CALLS 200000

typedef u64 (*function)(u64);

const u32 bench_rounds = 120;

static NOINLINE u64 triple(u64 x) { return x * 3 + 1; }
static NOINLINE u64 fold(u64 x) { return x ^ x >> 7; }
static NOINLINE u64 add(u64 x) { return x + 0x12345; }
static NOINLINE u64 rotate(u64 x) { return x << 13 | x >> 51; }
static NOINLINE u64 invert(u64 x) { return ~x; }
static NOINLINE u64 spread(u64 x) { return x ^ x << 17; }
static NOINLINE u64 subtract(u64 x) { return x - (x >> 3); }
static NOINLINE u64 scale(u64 x) { return x * 0x2545f4914f6cdd1d; }

static function volatile functions[8];

void bench_setup(void)
{
  static const function all[8] = {triple, fold, add, rotate, invert, spread, subtract, scale};
  for (int i = 0; i < 8; i++) functions[i] = all[i];
}

u64 bench_round(u32 index)
{
  u64 x = index + 1;
  for (u32 i = 0; i < CALLS / 2; i++) {
    x = functions[i & 7](x);
    x = functions[x >> 20 & 7](x + i);
  }
  return x;
}
