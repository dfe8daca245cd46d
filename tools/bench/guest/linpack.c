/*
 * Gaussian elimination with partial pivoting and back substitution of a dense system of doubles, column by column, as
 * the LINPACK benchmark times it (Dongarra, Bunch, Moler, Stewart: LINPACK Users' Guide, 1979).
 */
#include "bench.h"

#define N 100

const u32 bench_rounds = 240;

static double matrix[N][N]; /* matrix[column][row] */
static double right[N];
static u32 pivots[N];

void bench_setup(void) {}

static void fill(u32 seed)
{
  u32 value = seed * 2654435761u + 1325;
  for (u32 i = 0; i < N; i++) right[i] = 0;
  for (u32 column = 0; column < N; column++) {
    for (u32 row = 0; row < N; row++) {
      value = value * 3125 % 65536 + 1;
      matrix[column][row] = ((double)value - 32768) / 16384;
      right[row] += matrix[column][row];
    }
  }
}

/* y[from..N) += scale * x[from..N) */
static NOINLINE void add_scaled(double *y, const double *x, double scale, u32 from)
{
  for (u32 i = from; i < N; i++) y[i] += scale * x[i];
}

static NOINLINE u32 largest(const double *column, u32 from)
{
  u32 best = from;
  for (u32 i = from + 1; i < N; i++) {
    if (__builtin_fabs(column[i]) > __builtin_fabs(column[best])) best = i;
  }
  return best;
}

static void factor(void)
{
  for (u32 k = 0; k < N; k++) {
    double *column = matrix[k];
    u32 pivot = pivots[k] = largest(column, k);
    double value = column[pivot];
    column[pivot] = column[k];
    column[k] = value;
    for (u32 i = k + 1; i < N; i++) column[i] *= -1.0 / value;
    for (u32 j = k + 1; j < N; j++) {
      double scale = matrix[j][pivot];
      matrix[j][pivot] = matrix[j][k];
      matrix[j][k] = scale;
      add_scaled(matrix[j], column, scale, k + 1);
    }
  }
}

static void solve(void)
{
  for (u32 k = 0; k < N; k++) {
    double scale = right[pivots[k]];
    right[pivots[k]] = right[k];
    right[k] = scale;
    add_scaled(right, matrix[k], scale, k + 1);
  }
  for (u32 k = N; k-- > 0;) {
    right[k] /= matrix[k][k];
    for (u32 i = 0; i < k; i++) right[i] -= right[k] * matrix[k][i];
  }
}

u64 bench_round(u32 index)
{
  fill(index);
  factor();
  solve();
  u64 sum = 0;
  for (u32 i = 0; i < N; i++) sum = sum * 5 + bits_of(right[i]);
  return sum;
}
