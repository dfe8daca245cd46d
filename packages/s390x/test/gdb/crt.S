/* 64-bit mode, no DAT: the additional floating-point registers on (CR0.45), a stack, main, and the wait that ends the machine. */
  .globl _start
_start:
  larl %r1, control
  lctlg %c0, %c0, 0(%r1)
  larl %r15, stack_end - 160
  brasl %r14, main
  larl %r1, ended
  lpswe 0(%r1)
  .balign 8
control:
  .quad 0x40000
ended:
  .quad 0x0002000180000000, 0xfff
  .bss
  .balign 4096
stack:
  .skip 4096
stack_end:
  .section .note.GNU-stack, "", @progbits
