/*
 * The RISC-V virt board. Console: the 16550 at 0x10000000; end: the test finisher at 0x100000; clock: mtime through the time
 * counter, 10 MHz; instructions: instret.
 */
#include "../machine.h"

#define UART_THR ((volatile u8 *)0x10000000)
#define UART_LSR ((volatile u8 *)0x10000005)
#define LSR_THRE 0x20
#define FINISHER ((volatile u32 *)0x100000)
#define FINISHER_PASS 0x5555

void machine_put(const char *text)
{
  for (; *text; text++) {
    while (!(*UART_LSR & LSR_THRE)) {
    }
    *UART_THR = *text;
  }
}

void machine_end(void)
{
  *FINISHER = FINISHER_PASS;
  for (;;) __asm__ volatile("wfi");
}

u64 machine_ticks(void)
{
  u64 value;
  __asm__ volatile("csrr %0, time" : "=r"(value) : : "memory");
  return value;
}

u64 machine_instructions(void)
{
  u64 value;
  __asm__ volatile("csrr %0, minstret" : "=r"(value) : : "memory");
  return value;
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
void machine_receive_setup(void)
{
  *PLIC_PRIORITY(UART_IRQ) = 1;
  *PLIC_ENABLE = 1 << UART_IRQ;
  *UART_IER = IER_RECEIVED;
  __asm__ volatile("csrs mie, %0" : : "r"(MIE_MEIE));
}

u8 machine_receive(void)
{
  while (!(*UART_LSR & LSR_READY)) {
    __asm__ volatile("wfi");
    *PLIC_CLAIM = *PLIC_CLAIM;
  }
  return *UART_RBR;
}

#endif
