/*
 * Runs a program's rounds, a quarter of them unmeasured to warm up, and prints one line:
 *
 *   bench: rounds N checksum X ticks T instructions I all A
 *
 * Ticks are those of the machine's clock, instructions those of its counter (0 where there is none), both over the measured
 * rounds; A is the instructions of all rounds and of the setup.
 *
 * Built with BENCH_PACED it warms up for all of its rounds, and from then on does one batch of a sixteenth of them for
 * each byte that it is sent, with such a line after each:
 *
 *   bench: batch N checksum X ticks T
 *
 * It sleeps between batches. 'q' ends it.
 */
#include "bench.h"
#include "machine.h"

#ifndef BENCH_PERCENT
#define BENCH_PERCENT 100
#endif

static u64 random_state = 0x9e3779b97f4a7c15;

u64 bench_random(void)
{
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 0x2545f4914f6cdd1d;
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
  machine_put(label);
  machine_put(at);
}

/* One piece of code, so that what is warm in the first rounds is warm in the others. */
static NOINLINE u64 run(u64 checksum, u32 from, u32 to)
{
  for (u32 i = from; i < to; i++) checksum = (checksum << 7 | checksum >> 57) ^ bench_round(i);
  return checksum;
}

#ifdef BENCH_PACED

static void bench_batches(u32 rounds)
{
  u32 batch_rounds = rounds < 16 ? 1 : rounds / 16;
  machine_receive_setup();
  bench_setup();
  u64 checksum = run(0, 0, rounds);
  machine_put("bench: ready\n");
  for (u32 batch = 0, next = rounds; machine_receive() != 'q'; batch++, next += batch_rounds) {
    u64 start_ticks = machine_ticks();
    checksum = run(checksum, next, next + batch_rounds);
    u64 end_ticks = machine_ticks();
    put_number("bench: batch ", batch, 10);
    put_number(" checksum ", checksum, 16);
    put_number(" ticks ", end_ticks - start_ticks, 10);
    machine_put("\n");
  }
}

#endif

void bench_main(void)
{
  u32 rounds = (u64)bench_rounds * BENCH_PERCENT / 100;
  if (bench_rounds && rounds < 4) rounds = 4;
#ifdef BENCH_PACED
  bench_batches(rounds);
#else
  u64 first_instructions = machine_instructions();
  bench_setup();
  u64 checksum = run(0, 0, rounds / 4);
  u64 start_instructions = machine_instructions();
  u64 start_ticks = machine_ticks();
  checksum = run(checksum, rounds / 4, rounds);
  u64 end_ticks = machine_ticks();
  u64 end_instructions = machine_instructions();
  put_number("bench: rounds ", rounds, 10);
  put_number(" checksum ", checksum, 16);
  put_number(" ticks ", end_ticks - start_ticks, 10);
  put_number(" instructions ", end_instructions - start_instructions, 10);
  put_number(" all ", end_instructions - first_instructions, 10);
  machine_put("\n");
#endif
  machine_end();
}
