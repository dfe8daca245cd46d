/*
 * The host's own arithmetic, for comparison: reads records of three 64-bit operands from standard input and
 * writes, for each record and each of the rounding directions nearest, toward zero, down and up, the result in 64 bits
 * and the exceptions raised in 64 bits (inexact 1, underflow 2, overflow 4, division by zero 8, invalid 16).
 * Usage: hardware OPERATION, as in f32.add, f64.to.i64.
 */
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

union word {
  uint64_t bits;
  uint32_t bits32;
  float f32;
  double f64;
};

static const int directions[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

static uint64_t raised(void) {
  int e = fetestexcept(FE_ALL_EXCEPT);
  return (e & FE_INEXACT ? 1 : 0) | (e & FE_UNDERFLOW ? 2 : 0) | (e & FE_OVERFLOW ? 4 : 0) |
         (e & FE_DIVBYZERO ? 8 : 0) | (e & FE_INVALID ? 16 : 0);
}

#define OPERATIONS(F)                                                                        \
  X(F, "add", r.F = a.F + b.F)                                                               \
  X(F, "sub", r.F = a.F - b.F)                                                               \
  X(F, "mul", r.F = a.F * b.F)                                                               \
  X(F, "div", r.F = a.F / b.F)                                                               \
  X(F, "eq", r.bits = a.F == b.F)                                                            \
  X(F, "lt", r.bits = a.F < b.F)                                                             \
  X(F, "le", r.bits = a.F <= b.F)                                                            \
  X(F, "to.i32", r.bits = (uint64_t)(int64_t)(int32_t)a.F)                                   \
  X(F, "to.i64", r.bits = (uint64_t)(int64_t)a.F)

#define X(F, name, statement)                                  \
  if (strcmp(operation, #F "." name) == 0) {                   \
    statement;                                                 \
    return r.bits;                                             \
  }

static uint64_t compute(const char *operation, uint64_t x, uint64_t y, uint64_t z) {
  volatile union word a = {.bits = x}, b = {.bits = y}, c = {.bits = z}, r = {.bits = 0};
  OPERATIONS(f32)
  OPERATIONS(f64)
  X(f32, "sqrt", r.f32 = sqrtf(a.f32))
  X(f64, "sqrt", r.f64 = sqrt(a.f64))
  X(f32, "fma", r.f32 = fmaf(a.f32, b.f32, c.f32))
  X(f64, "fma", r.f64 = fma(a.f64, b.f64, c.f64))
  X(f32, "to.f64", r.f64 = (double)a.f32)
  X(f64, "to.f32", r.f32 = (float)a.f64)
  X(i32, "to.f32", r.f32 = (float)(int32_t)a.bits)
  X(i32, "to.f64", r.f64 = (double)(int32_t)a.bits)
  X(i64, "to.f32", r.f32 = (float)(int64_t)a.bits)
  X(i64, "to.f64", r.f64 = (double)(int64_t)a.bits)
  return 0;
}

int main(int argc, char **argv) {
  uint64_t operands[3];
  if (argc != 2) return 2;
  while (fread(operands, sizeof operands, 1, stdin) == 1) {
    for (int i = 0; i < 4; i++) {
      uint64_t out[2];
      fesetround(directions[i]);
      feclearexcept(FE_ALL_EXCEPT);
      out[0] = compute(argv[1], operands[0], operands[1], operands[2]);
      out[1] = raised();
      fesetround(FE_TONEAREST);
      if (fwrite(out, sizeof out, 1, stdout) != 1) return 1;
    }
  }
  return 0;
}
