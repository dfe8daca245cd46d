/* Calls and returns: Fibonacci numbers by definition, Ackermann's function, and the towers of Hanoi. */
#include "bench.h"

const u32 bench_rounds = 600;

static u32 pegs[3];

void bench_setup(void) {}

static NOINLINE u32 fibonacci(u32 n)
{
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static NOINLINE u32 ackermann(u32 m, u32 n)
{
  if (m == 0) return n + 1;
  return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static NOINLINE void hanoi(u32 discs, u32 from, u32 to)
{
  if (discs == 0) return;
  u32 other = 3 - from - to;
  hanoi(discs - 1, from, other);
  pegs[to] = pegs[to] * 31 + pegs[from] + discs;
  hanoi(discs - 1, other, to);
}

u64 bench_round(u32 index)
{
  hanoi(15, index % 3, (index + 1) % 3);
  return fibonacci(OPAQUE(23u)) + ackermann(2, OPAQUE(60u)) + ((u64)pegs[0] << 32 ^ pegs[1] ^ pegs[2]);
}
