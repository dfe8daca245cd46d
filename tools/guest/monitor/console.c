/*
 * The console: a 16550 UART (National Semiconductor PC16550D), its receive interrupt routed through the PLIC (RISC-V
 * Platform-Level Interrupt Controller Specification 1.0.0) so that waiting for a key costs nothing.
 */
#include "monitor.h"

#include <stdarg.h>

enum uart_register { RBR = 0, THR = 0, IER = 1, FCR = 2, LCR = 3, LSR = 5 };
enum { IER_RECEIVED_DATA = 1, FCR_ENABLE_AND_CLEAR = 7, LCR_8_BITS = 3, LSR_DATA_READY = 1, LSR_THR_EMPTY = 0x20 };

#define PLIC_PRIORITY(irq) (board.plic + 4 * (irq))
#define PLIC_ENABLE(context, irq) (board.plic + 0x2000 + 0x80 * (context) + 4 * ((irq) / 32))
#define PLIC_THRESHOLD(context) (board.plic + 0x200000 + 0x1000 * (uintptr_t)(context))
#define PLIC_CLAIM(context) (PLIC_THRESHOLD(context) + 4)

#define MIE_EXTERNAL (1 << 11)

static bool can_sleep(void) { return board.plic != 0 && board.uart_interrupt != 0; }

void console_init(void) {
  store8(board.uart + IER, 0);
  store8(board.uart + LCR, LCR_8_BITS);
  store8(board.uart + FCR, FCR_ENABLE_AND_CLEAR);
  if (!can_sleep()) return;
  uint32_t irq = board.uart_interrupt, context = board.plic_context;
  store32(PLIC_PRIORITY(irq), 1);
  store32(PLIC_ENABLE(context, irq), 1u << (irq % 32));
  store32(PLIC_THRESHOLD(context), 0);
  store8(board.uart + IER, IER_RECEIVED_DATA);
  SET_CSR_BITS(mie, MIE_EXTERNAL);
}

void console_write(char character) {
  if (character == '\n') console_write('\r');
  while (!(load8(board.uart + LSR) & LSR_THR_EMPTY)) continue;
  store8(board.uart + THR, (uint8_t)character);
}

char console_read(void) {
  for (;;) {
    if (load8(board.uart + LSR) & LSR_DATA_READY) return (char)load8(board.uart + RBR);
    if (!can_sleep()) continue;
    uint32_t irq = load32(PLIC_CLAIM(board.plic_context));
    if (irq != 0) {
      store32(PLIC_CLAIM(board.plic_context), irq);
    } else {
      __asm__ volatile("wfi");
    }
  }
}

static void print_unsigned(uint64_t value, unsigned base, unsigned digits) {
  char reversed[20];
  unsigned count = 0;
  do {
    reversed[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0 || count < digits);
  while (count > 0) console_write(reversed[--count]);
}

static void print_text(const char *text) {
  while (*text != '\0') console_write(*text++);
}

void print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (; *format != '\0'; format++) {
    if (*format != '%') {
      console_write(*format);
      continue;
    }
    switch (*++format) {
      case 's': print_text(va_arg(arguments, const char *)); break;
      case 'c': console_write((char)va_arg(arguments, int)); break;
      case 'u': print_unsigned(va_arg(arguments, uint64_t), 10, 1); break;
      case 'x': print_unsigned(va_arg(arguments, uint64_t), 16, 1); break;
      case 'p': print_unsigned(va_arg(arguments, uint64_t), 16, 16); break;
      default: console_write(*format);
    }
  }
  va_end(arguments);
}
