/*
 * Runs a program's rounds, a quarter of them unmeasured to warm up, and prints one line:
 *
 *   bench: rounds N checksum X ticks T instructions I all A
 *
 * Ticks are mtime's through the time counter, instructions those of instret, both over the measured rounds; A is the
 * instructions of all rounds and of the setup. Console: the 16550 at 0x10000000; end: the test finisher at 0x100000
 * (the map of the virt board).
 */
#include "bench.h"

#ifndef BENCH_PERCENT
#define BENCH_PERCENT 100
#endif

#define UART_THR ((volatile u8 *)0x10000000)
#define UART_LSR ((volatile u8 *)0x10000005)
#define LSR_THRE 0x20
#define FINISHER ((volatile u32 *)0x100000)
#define FINISHER_PASS 0x5555

static u64 random_state = 0x9e3779b97f4a7c15;

u64 bench_random(void)
{
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 0x2545f4914f6cdd1d;
}

static void put(const char *text)
{
  for (; *text; text++) {
    while (!(*UART_LSR & LSR_THRE)) {
    }
    *UART_THR = *text;
  }
}

static void put_number(const char *label, u64 value, u32 base)
{
  char text[24];
  char *at = text + sizeof text;
  *--at = 0;
  do {
    *--at = "0123456789abcdef"[value % base];
    value /= base;
  } while (value);
  put(label);
  put(at);
}

static inline u64 ticks(void)
{
  u64 value;
  __asm__ volatile("csrr %0, time" : "=r"(value) : : "memory");
  return value;
}

static inline u64 instructions(void)
{
  u64 value;
  __asm__ volatile("csrr %0, minstret" : "=r"(value) : : "memory");
  return value;
}

static u64 run(u64 checksum, u32 from, u32 to)
{
  for (u32 i = from; i < to; i++) checksum = (checksum << 7 | checksum >> 57) ^ bench_round(i);
  return checksum;
}

void bench_main(void)
{
  u32 rounds = (u64)bench_rounds * BENCH_PERCENT / 100;
  if (bench_rounds && rounds < 4) rounds = 4;
  u64 first_instructions = instructions();
  bench_setup();
  u64 checksum = run(0, 0, rounds / 4);
  u64 start_instructions = instructions();
  u64 start_ticks = ticks();
  checksum = run(checksum, rounds / 4, rounds);
  u64 end_ticks = ticks();
  u64 end_instructions = instructions();
  put_number("bench: rounds ", rounds, 10);
  put_number(" checksum ", checksum, 16);
  put_number(" ticks ", end_ticks - start_ticks, 10);
  put_number(" instructions ", end_instructions - start_instructions, 10);
  put_number(" all ", end_instructions - first_instructions, 10);
  put("\n");
  *FINISHER = FINISHER_PASS;
}
