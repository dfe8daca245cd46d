/* Boardwalk's monitor: a bare-metal guest for the RISC-V virt boards. What its parts offer each other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READ_CSR(name)                                     \
  ({                                                       \
    uint64_t value_;                                       \
    __asm__ volatile("csrr %0, " #name : "=r"(value_));    \
    value_;                                                \
  })
#define SET_CSR_BITS(name, bits) __asm__ volatile("csrs " #name ", %0" ::"r"((uint64_t)(bits)))
#define CLEAR_CSR_BITS(name, bits) __asm__ volatile("csrc " #name ", %0" ::"r"((uint64_t)(bits)))

static inline void store8(uintptr_t address, uint8_t value) { *(volatile uint8_t *)address = value; }
static inline void store32(uintptr_t address, uint32_t value) { *(volatile uint32_t *)address = value; }
static inline void store64(uintptr_t address, uint64_t value) { *(volatile uint64_t *)address = value; }
static inline uint8_t load8(uintptr_t address) { return *(volatile uint8_t *)address; }
static inline uint32_t load32(uintptr_t address) { return *(volatile uint32_t *)address; }
static inline uint64_t load64(uintptr_t address) { return *(volatile uint64_t *)address; }

/* start.S, monitor.ld: one bit for each hart that came up; the image and its stack. */
extern volatile uint64_t harts_present;
extern char _start[], stack_top[];

/* board.c: what the device tree says. */

#define MAX_RANGES 64

struct range {
  uint64_t base;
  uint64_t size;
  const char *name;       /* the node's, with its unit address */
  const char *compatible; /* first of its list, or NULL */
  bool is_memory;
};

struct board {
  const char *model;
  const char *isa;
  uint32_t timebase_hz;
  uintptr_t tree, tree_end; /* where the blob lies; 0 when there is none */
  uintptr_t uart, plic, clint, finisher;
  uint32_t uart_interrupt;
  uint32_t plic_context; /* hart 0 in machine mode */
  size_t range_count;
  struct range ranges[MAX_RANGES];
};

extern struct board board;

/* Reads the device tree; false when there is none at that address, and then the virt board's addresses stand. */
bool board_discover(uintptr_t tree);
const struct range *board_memory(void);

/* console.c */
void console_init(void);
void console_write(char character);
char console_read(void); /* waits, asleep */
/* Formats %s %c %u %x (shortest), %p (16 digits); arguments of %u, %x and %p are 64 bits wide. */
void print(const char *format, ...);

/* compute.c */
void sha256(const void *data, size_t length, uint8_t digest[32]);
void print_digest(const uint8_t digest[32]);
/* How many primes are below `limit`; `sieve` holds one byte for each number. */
uint64_t count_primes(uint64_t limit, uint8_t *sieve);

/* memory.c */
struct span {
  uintptr_t start, end;
};
struct span free_memory(void); /* RAM beyond the monitor and the device tree */
bool test_memory(uint64_t megabytes);

/* commands.c */
void print_memory_map(void);
void print_cpu(void);
_Noreturn void power_off(uint32_t status);
void run_command(char *line);

/* main.c */
_Noreturn void monitor_main(uintptr_t tree);
_Noreturn void monitor_trap(uint64_t cause, uint64_t pc, uint64_t value);

/* string.c */
bool equal(const char *a, const char *b);
size_t length_of(const char *text);
bool parse_number(const char *text, uint64_t *value); /* decimal, or hexadecimal after 0x */
void *memcpy(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
