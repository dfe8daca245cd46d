/* SHA-256 (FIPS 180-4) of 64 KiB: rotates and adds of 32 bits, no branches but the loops'. */
#include "bench.h"

#define LENGTH 65536
#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))

const u32 bench_rounds = 1000;

static u8 data[LENGTH];
static u32 constants[64];
static u32 state[8];

/* The first 32 bits of the fractional part of the square or cube root of a small integer, by bisection in integers. */
static u32 root_fraction(u32 n, int degree)
{
  unsigned __int128 low = 0, high = (unsigned __int128)1 << 40;
  while (high - low > 1) {
    unsigned __int128 middle = (low + high) / 2;
    int above;
    if (degree == 2) above = middle * middle > (unsigned __int128)n << 64;
    else above = middle * middle * middle > (unsigned __int128)n << 96;
    if (above) high = middle;
    else low = middle;
  }
  return low;
}

void bench_setup(void)
{
  u32 found = 0;
  for (u32 n = 2; found < 64; n++) {
    int prime = 1;
    for (u32 d = 2; d * d <= n; d++) prime &= n % d != 0;
    if (!prime) continue;
    if (found < 8) state[found] = root_fraction(n, 2);
    constants[found++] = root_fraction(n, 3);
  }
  for (u32 i = 0; i < LENGTH; i++) data[i] = bench_random();
}

static NOINLINE void block(u32 *hash, const u8 *bytes)
{
  u32 w[64];
  for (int i = 0; i < 16; i++) {
    w[i] = (u32)bytes[4 * i] << 24 | (u32)bytes[4 * i + 1] << 16 | (u32)bytes[4 * i + 2] << 8 | bytes[4 * i + 3];
  }
  for (int i = 16; i < 64; i++) {
    u32 s0 = ROTATE(w[i - 15], 7) ^ ROTATE(w[i - 15], 18) ^ w[i - 15] >> 3;
    u32 s1 = ROTATE(w[i - 2], 17) ^ ROTATE(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  u32 a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], h = hash[7];
  for (int i = 0; i < 64; i++) {
    u32 s1 = ROTATE(e, 6) ^ ROTATE(e, 11) ^ ROTATE(e, 25);
    u32 t1 = h + s1 + ((e & f) ^ (~e & g)) + constants[i] + w[i];
    u32 s0 = ROTATE(a, 2) ^ ROTATE(a, 13) ^ ROTATE(a, 22);
    u32 t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d, hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
}

u64 bench_round(u32 index)
{
  data[index % LENGTH] ^= index;
  for (u32 i = 0; i < LENGTH; i += 64) block(state, data + i);
  return (u64)state[0] << 32 | state[7];
}
