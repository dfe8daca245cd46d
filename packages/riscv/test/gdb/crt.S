/* Every hart comes here: hart 0 runs main, the others second(). */
  .globl _start
_start:
  li t0, 0x6000
  csrs mstatus, t0
  csrr t0, mhartid
  la sp, stacks
  addi t1, t0, 1
  slli t1, t1, 12
  add sp, sp, t1
  la t2, trapped
  csrw mtvec, t2
  bnez t0, 1f
  call main
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
1:
  call second
  .balign 4
  .globl trapped
trapped:
  j trapped
  .bss
  .balign 4096
stacks:
  .skip 4096 * 4
