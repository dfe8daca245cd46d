/* Waits for interrupts of what offers memory, and follows it. */
#include "driver.h"

#define PLIC_PRIORITY(irq) (PLIC + 4 * (irq))
#define PLIC_ENABLE(irq) (PLIC + 0x2000 + (irq) / 32 * 4)
#define PLIC_CLAIM (PLIC + 0x200004)
#define MIE_MEIE (1ul << 11)

static void enable_interrupt(uint32_t irq) {
  store32(PLIC_PRIORITY(irq), 1);
  store32(PLIC_ENABLE(irq), load32(PLIC_ENABLE(irq)) | 1u << irq % 32);
}

void driver_trap(uint64_t cause, uint64_t value) {
  print("trap ");
  print_number(cause);
  print(" at ");
  print_number(value);
  print("\n");
  fail("a trap");
}

_Noreturn void driver_main(void) {
  bool has_virtio_mem = virtio_mem_start();
  if (has_virtio_mem) enable_interrupt(virtio_mem_irq());
  enable_interrupt(MODULES_IRQ);
  __asm__ volatile("csrs mie, %0" ::"r"(MIE_MEIE));
  print("ready\n");
  for (;;) {
    if (has_virtio_mem) virtio_mem_follow();
    modules_follow();
    __asm__ volatile("wfi");
    uint32_t irq = load32(PLIC_CLAIM);
    if (irq != 0) store32(PLIC_CLAIM, irq);
  }
}
