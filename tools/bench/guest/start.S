/*
 * Entry: machine mode, hart 0, at the start of RAM. Turns the floating-point unit on (mstatus.FS = initial, RISC-V
 * Privileged Architecture 3.1.6.6), clears .bss and runs the harness; other harts sleep. A trap ends the machine with
 * status 99 through the test finisher of the virt board.
 */

  .section .text.start, "ax"
  .globl _start
_start:
  csrw mie, zero
  la t0, trap
  csrw mtvec, t0
  csrr t0, mhartid
  bnez t0, park
  li t0, 1 << 13
  csrs mstatus, t0
  csrw fcsr, zero
  la sp, stack_top
  la t0, image_end
  la t1, bss_end
clear:
  bgeu t0, t1, cleared
  sd zero, 0(t0)
  addi t0, t0, 8
  j clear
cleared:
  call bench_main
park:
  wfi
  j park

  .align 2
trap:
  li t0, 0x100000
  li t1, (99 << 16) | 0x3333
  sw t1, 0(t0)
  j park
