/*
 * Entry of an ELF file that -kernel loads: 64-bit mode, real addresses, nothing enabled. Turns the additional floating-point
 * registers on (CR0.45), clears .bss and runs the harness. A program interruption ends in the disabled wait at 0xbad (Principles
 * of Operation, chapters "Control" and "Interruptions").
 */

  .section .text.start, "ax"
  .globl _start
_start:
  larl %r1, controls
  lctlg %c0, %c0, 0(%r1)
  larl %r1, program_psw
  mvc 0x1d0(16, %r0), 0(%r1)
  larl %r15, stack_top
  aghi %r15, -160
  larl %r1, image_end
  larl %r2, bss_end
clear:
  clgrjnl %r1, %r2, cleared
  xc 0(8, %r1), 0(%r1)
  aghi %r1, 8
  j clear
cleared:
  jg bench_main

  .balign 8
controls:
  .quad 0x40000
program_psw:
  .quad 0x0002000180000000, 0xbad

  .section .note.GNU-stack, "", @progbits
