/* Four harts, each with a share of the same work: CRCs of what a generator makes, bit by bit. They meet after each round. */
#include "bench.h"

#define HARTS 4
#define STEPS 100000

const u32 bench_rounds = 32;

extern volatile u32 bench_harts;

static volatile u32 wanted;
static volatile u32 done[HARTS][16]; /* a cache line each */
static volatile u64 found[HARTS][8];

static u64 share(u64 seed)
{
  u64 crc = seed;
  for (u32 i = 0; i < STEPS; i++) {
    crc ^= i * 0x9e3779b97f4a7c15;
    for (u32 bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (-(crc & 1) & 0xc96c5795d7870f42);
  }
  return crc;
}

void bench_hart(u64 hart)
{
  for (u32 round = 1;; round++) {
    while (wanted < round) {
    }
    __asm__ volatile("fence rw, rw" ::: "memory");
    found[hart][0] = share(hart << 32 | round);
    __asm__ volatile("fence rw, rw" ::: "memory");
    done[hart][0] = round;
  }
}

void bench_setup(void)
{
  bench_harts = HARTS;
}

u64 bench_round(u32 index)
{
  u32 round = index + 1;
  __asm__ volatile("fence rw, rw" ::: "memory");
  wanted = round;
  u64 sum = share(round);
  for (u32 hart = 1; hart < HARTS; hart++) {
    while (done[hart][0] < round) {
    }
    __asm__ volatile("fence rw, rw" ::: "memory");
    sum = (sum << 9 | sum >> 55) ^ found[hart][0];
  }
  return sum;
}
