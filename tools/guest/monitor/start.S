/*
 * Entry of the monitor. Firmware and boards enter with the hart's number in a0 and the device tree's address in a1
 * (RISC-V Linux boot requirements say the same of a kernel). Hart 0 runs the monitor; the others say that they are
 * there and sleep. Machine mode throughout (RISC-V Privileged Architecture).
 */

  .section .text.start, "ax"
  .globl _start
_start:
  csrw mie, zero
  csrci mstatus, 8                /* MIE: interrupts only end wfi, they are never taken */
  la t0, trap_entry
  csrw mtvec, t0
  csrr s0, mhartid
  mv s1, a1

  li t0, 1
  sll t0, t0, s0
  la t1, harts_present
  amoor.d zero, t0, (t1)
  bnez s0, park

  la sp, stack_top
  la t0, image_end
  la t1, bss_end
clear:
  bgeu t0, t1, cleared
  sd zero, 0(t0)
  addi t0, t0, 8
  j clear
cleared:
  mv a0, s1
  call monitor_main

park:
  wfi
  j park

/* Every trap is an error here: report it on a fresh stack, and go on at the prompt. */
  .align 2
trap_entry:
  csrr a0, mcause
  csrr a1, mepc
  csrr a2, mtval
  la sp, stack_top
  call monitor_trap
  j park

  .section .data
  .align 3
  .globl harts_present
harts_present:                    /* in .data, which hart 0 does not clear under the others */
  .dword 0
