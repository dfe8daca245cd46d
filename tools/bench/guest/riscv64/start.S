/*
 * Entry: machine mode, hart 0, at the start of RAM. Turns the floating-point unit on (mstatus.FS = initial, RISC-V
 * Privileged Architecture 3.1.6.6), clears .bss and runs the harness. Other harts wait until `bench_harts` in .data says
 * that they are wanted, and run bench_hart(number), each on its own stack. A trap ends the machine with status 99 through
 * the test finisher of the virt board.
 */

  .section .text.start, "ax"
  .globl _start
_start:
  csrw mie, zero
  la t0, trap
  csrw mtvec, t0
  li t0, 1 << 13
  csrs mstatus, t0
  csrw fcsr, zero
  csrr a0, mhartid
  la sp, stack_top
  bnez a0, other
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

other:
  la t0, bench_harts
wait:
  lw t1, 0(t0)
  bleu t1, a0, wait
  fence rw, rw
  slli t1, a0, 14 /* 16 KiB for each, below that of hart 0 */
  sub sp, sp, t1
  la t0, bench_hart
  beqz t0, park
  jalr t0
  j park

  .align 2
trap:
  li t0, 0x100000
  li t1, (99 << 16) | 0x3333
  sw t1, 0(t0)
  j park

  .weak bench_hart
  .section .data
  .align 2
  .globl bench_harts
bench_harts: /* how many harts take part; not in .bss, which hart 0 clears under the others */
  .word 1
