/* What is written to memory, and the console. */
#include "driver.h"

#define UART_LSR (UART + 5)
#define LSR_THRE 0x20
#define FINISHER_FAIL 0x3333

void print(const char *text) {
  for (; *text != '\0'; text++) {
    while (!(load8(UART_LSR) & LSR_THRE)) {
    }
    store8(UART, *text);
  }
}

void print_number(uint64_t value) {
  char text[21];
  char *at = text + sizeof text;
  *--at = '\0';
  do *--at = '0' + value % 10;
  while ((value /= 10) != 0);
  print(at);
}

void fail(const char *why) {
  print("driver: ");
  print(why);
  print("\n");
  store32(FINISHER, 1 << 16 | FINISHER_FAIL);
  for (;;) __asm__ volatile("wfi");
}

/* Another word at each address, and never zero. */
static uint64_t word_for(uint64_t address) { return address * 0x9e3779b97f4a7c15 | 1; }

uint64_t fill(uint64_t start, uint64_t bytes) {
  uint64_t old = 0;
  for (uint64_t at = start; at < start + bytes; at += 8) {
    volatile uint64_t *word = (volatile uint64_t *)at;
    old += *word != 0;
    *word = word_for(at);
  }
  return old;
}

uint64_t count_wrong(uint64_t start, uint64_t bytes) {
  uint64_t wrong = 0;
  for (uint64_t at = start; at < start + bytes; at += 8) wrong += *(volatile uint64_t *)at != word_for(at);
  return wrong;
}
