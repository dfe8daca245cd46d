/* Steps of z*z + c before it escapes, over a picture of 96 by 64 points: doubles in registers, a compare each step. */
#include "bench.h"

#define WIDTH 96
#define HEIGHT 64
#define STEPS 200

const u32 bench_rounds = 30;

void bench_setup(void) {}

u64 bench_round(u32 index)
{
  double zoom = 1.0 / (1 + index % 8);
  u64 sum = 0;
  for (u32 y = 0; y < HEIGHT; y++) {
    double ci = ((double)y / HEIGHT - 0.5) * 2.4 * zoom;
    for (u32 x = 0; x < WIDTH; x++) {
      double cr = ((double)x / WIDTH - 0.5) * 3.0 * zoom - 0.7;
      double zr = 0, zi = 0;
      u32 steps = 0;
      while (steps < STEPS && zr * zr + zi * zi < 4) {
        double t = zr * zr - zi * zi + cr;
        zi = 2 * zr * zi + ci;
        zr = t;
        steps++;
      }
      sum = sum * 3 + steps;
    }
  }
  return sum;
}
