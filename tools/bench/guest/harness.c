/*
 * Runs a program's rounds, a quarter of them unmeasured to warm up, and prints one line:
 *
 *   bench: rounds N checksum X ticks T instructions I all A
 *
 * Ticks are mtime's through the time counter, instructions those of instret, both over the measured rounds; A is the
 * instructions of all rounds and of the setup. Console: the 16550 at 0x10000000; end: the test finisher at 0x100000
 * (the map of the virt board).
 *
 * Built with BENCH_PACED it warms up for all of its rounds, and from then on does one batch of a sixteenth of them for
 * each byte that it is sent, with such a line after each:
 *
 *   bench: batch N checksum X ticks T
 *
 * It sleeps between batches. 'q' ends it.
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

/* One piece of code, so that what is warm in the first rounds is warm in the others. */
static NOINLINE u64 run(u64 checksum, u32 from, u32 to)
{
  for (u32 i = from; i < to; i++) checksum = (checksum << 7 | checksum >> 57) ^ bench_round(i);
  return checksum;
}

#ifdef BENCH_PACED

#define UART_RBR UART_THR
#define UART_IER ((volatile u8 *)0x10000001)
#define IER_RECEIVED 1
#define LSR_READY 1
#define UART_IRQ 10
#define PLIC 0x0c000000
#define PLIC_PRIORITY(irq) ((volatile u32 *)(PLIC + 4 * (irq)))
#define PLIC_ENABLE ((volatile u32 *)(PLIC + 0x2000))
#define PLIC_CLAIM ((volatile u32 *)(PLIC + 0x200004))
#define MIE_MEIE (1 << 11)

/* The interrupt is never taken: it ends wfi. */
static void receive_setup(void)
{
  *PLIC_PRIORITY(UART_IRQ) = 1;
  *PLIC_ENABLE = 1 << UART_IRQ;
  *UART_IER = IER_RECEIVED;
  __asm__ volatile("csrs mie, %0" : : "r"(MIE_MEIE));
}

static u8 receive(void)
{
  while (!(*UART_LSR & LSR_READY)) {
    __asm__ volatile("wfi");
    *PLIC_CLAIM = *PLIC_CLAIM;
  }
  return *UART_RBR;
}

static void bench_batches(u32 rounds)
{
  u32 batch_rounds = rounds < 16 ? 1 : rounds / 16;
  receive_setup();
  bench_setup();
  u64 checksum = run(0, 0, rounds);
  put("bench: ready\n");
  for (u32 batch = 0, next = rounds; receive() != 'q'; batch++, next += batch_rounds) {
    u64 start_ticks = ticks();
    checksum = run(checksum, next, next + batch_rounds);
    u64 end_ticks = ticks();
    put_number("bench: batch ", batch, 10);
    put_number(" checksum ", checksum, 16);
    put_number(" ticks ", end_ticks - start_ticks, 10);
    put("\n");
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
#endif
  *FINISHER = FINISHER_PASS;
}
