/* A bare-metal guest that takes memory when it is offered and gives it back when it is asked to. What its parts offer each other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The virt board's map; the module controller is that of the tests' board. */
#define FINISHER 0x100000ul
#define PLIC 0x0c000000ul
#define UART 0x10000000ul
#define VIRTIO(slot) (0x10001000ul + 0x1000 * (slot))
#define VIRTIO_SLOTS 8
#define VIRTIO_IRQ(slot) (1 + (slot))
#define MODULES 0x10200000ul
#define MODULES_IRQ 32

static inline void store8(uintptr_t address, uint8_t value) { *(volatile uint8_t *)address = value; }
static inline void store32(uintptr_t address, uint32_t value) { *(volatile uint32_t *)address = value; }
static inline uint8_t load8(uintptr_t address) { return *(volatile uint8_t *)address; }
static inline uint32_t load32(uintptr_t address) { return *(volatile uint32_t *)address; }
static inline uint64_t load_pair(uintptr_t address) {
  return load32(address) | (uint64_t)load32(address + 4) << 32;
}

/* contents.c */
void print(const char *text);
void print_number(uint64_t value);
_Noreturn void fail(const char *why);
/* Writes to all of it; gives how many words were not zero before. */
uint64_t fill(uint64_t start, uint64_t bytes);
/* How many words are not as they were written. */
uint64_t count_wrong(uint64_t start, uint64_t bytes);

/* virtio-mem.c */
/* Looks for the device; false where there is none. */
bool virtio_mem_start(void);
uint32_t virtio_mem_irq(void);
/* Does what the device wishes now. */
void virtio_mem_follow(void);

/* modules.c */
void modules_follow(void);
