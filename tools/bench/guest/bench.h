/*
 * What a benchmark program has: a name, a number of rounds, something to set up, and one round of work whose result
 * goes into the checksum. harness.c does the rest.
 */
#ifndef BENCH_H
#define BENCH_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed short s16;
typedef signed int s32;
typedef signed long s64;
typedef u64 size_t;

/* Rounds at 100 percent: enough for about a second on a quick emulator. */
extern const u32 bench_rounds;

void bench_setup(void);
u64 bench_round(u32 index);

/* A small generator of test data (xorshift64*; Marsaglia 2003, Vigna 2016): the same on every machine. */
u64 bench_random(void);

/* Values that the compiler must not see through. */
#define OPAQUE(x)                                                                                                      \
  ({                                                                                                                   \
    __typeof__(x) opaque_value = (x);                                                                                  \
    __asm__ volatile("" : "+r"(opaque_value));                                                                         \
    opaque_value;                                                                                                      \
  })

#define NOINLINE __attribute__((noinline))

/* The bits of a double, to be checked. */
static inline u64 bits_of(double value)
{
  u64 bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

void *memcpy(void *destination, const void *source, size_t length);
void *memset(void *destination, int value, size_t length);

#endif
