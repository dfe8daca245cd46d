/* Entry of the memory driver: hart 0 in machine mode. Interrupts only end wfi, they are never taken. */

  .section .text.start, "ax"
  .globl _start
_start:
  csrw mie, zero
  csrci mstatus, 8
  la t0, trap_entry
  csrw mtvec, t0
  csrr t0, mhartid
  bnez t0, park
  la sp, stack_top
  la t0, image_end
  la t1, bss_end
clear:
  bgeu t0, t1, cleared
  sd zero, 0(t0)
  addi t0, t0, 8
  j clear
cleared:
  call driver_main

park:
  wfi
  j park

  .align 2
trap_entry:
  csrr a0, mcause
  csrr a1, mtval
  la sp, stack_top
  call driver_trap
  j park
