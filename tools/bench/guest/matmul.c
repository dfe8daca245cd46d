/* The product of two matrices of doubles by the three loops, with one operand read along its columns. */
#include "bench.h"

#define N 96

const u32 bench_rounds = 120;

static double a[N][N], b[N][N], c[N][N];

void bench_setup(void)
{
  for (u32 i = 0; i < N; i++) {
    for (u32 j = 0; j < N; j++) {
      a[i][j] = (double)(s32)bench_random() / 65536;
      b[i][j] = (double)(s32)bench_random() / 65536;
    }
  }
}

u64 bench_round(u32 index)
{
  a[index % N][index * 7 % N] += 1.0 / (index + 3);
  for (u32 i = 0; i < N; i++) {
    for (u32 j = 0; j < N; j++) {
      double sum = 0;
      for (u32 k = 0; k < N; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
  u64 sum = 0;
  for (u32 i = 0; i < N; i++) sum = sum * 3 + bits_of(c[i][index * 5 % N]);
  return sum;
}
