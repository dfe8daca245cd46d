# Machine mode, traps and the way back to programs. Each hart goes to supervisor mode at once; what machine mode is still there for
# is to make a supervisor's interrupt of another hart's write to the CLINT. What user.S has is below: the program of every process.
        .option norelax
        .equ    RAM, 0x80000000
        .equ    KERNEL, 0xffffffc000000000
        .equ    UART, 0x10000000
        .equ    POWER, 0x100000
        .equ    CLINT, 0x2000000
        .equ    FP, 288                 # of a frame: kernel.h
        .equ    STACK, 16384

        .section .head, "ax"
        .globl  _start, parameters
        .option push
        .option norvc
_start: j       start
        nop
        .option pop
parameters:                             # struct parameters; the test writes over it
        .dword  1, 2000
        .word   50, 500, 1, 0
        .dword  0, 0, 0
start:  csrr    s0, mhartid
        lla     t0, machine_trap
        csrw    mtvec, t0
        li      t0, -1
        csrw    pmpaddr0, t0
        csrw    mcounteren, t0
        csrw    scounteren, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0
        li      t0, 0xb1ff
        csrw    medeleg, t0
        li      t0, 0x222
        csrw    mideleg, t0
        csrsi   mie, 8
        li      t0, 0xa000000000000000  # STCE, ADUE
        csrs    0x30a, t0
        li      t0, 0x1800
        csrc    mstatus, t0
        li      t0, 0x800
        csrs    mstatus, t0
        lla     t0, machine_words
        slli    t1, s0, 5
        add     t0, t0, t1
        csrw    mscratch, t0
        lla     t0, boot_root
        srli    t0, t0, 12
        li      t1, 8 << 60
        or      t0, t0, t1
        csrw    satp, t0
        sfence.vma
        lla     t0, supervisor
        li      t1, KERNEL - RAM
        add     t0, t0, t1
        csrw    mepc, t0
        mv      a0, s0
        mret

        .balign 4
machine_trap:
        csrrw   t6, mscratch, t6
        sd      t5, 0(t6)
        sd      t4, 8(t6)
        csrr    t5, mcause
        bgez    t5, 1f
        csrr    t5, mhartid
        slli    t5, t5, 2
        li      t4, CLINT
        add     t4, t4, t5
        sw      zero, 0(t4)
        csrsi   mip, 2
        ld      t5, 0(t6)
        ld      t4, 8(t6)
        csrrw   t6, mscratch, t6
        mret
1:      li      t4, UART                # nothing else may come here
        li      t5, 'M'
        sb      t5, 0(t4)
        li      t4, POWER
        li      t5, 0x23333
        sw      t5, 0(t4)
1:      j       1b

        .balign 32
machine_words:
        .space  32 * 8

        .text
supervisor:
        lla     t0, strap
        csrw    stvec, t0
        csrw    sscratch, zero
        lla     sp, stacks
        addi    t0, a0, 1
        li      t1, STACK
        mul     t0, t0, t1
        add     sp, sp, t0
        lla     tp, harts
        slli    t0, a0, 7
        add     tp, tp, t0
        sd      sp, 0(tp)
        call    kernel_main

# struct hart: 0 top of its stack, 8 a word for traps, 16 the frame of its process.
        .macro  registers op, base
        \op     x1, 8(\base)
        \op     x3, 24(\base)
        .irp    n, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        \op     x\n, 8*\n(\base)
        .endr
        .endm

        /* Where and why it trapped, into the frame at sp, which a0 points to then. */
        .macro  save_trap
        csrr    t0, sepc
        csrr    t1, sstatus
        sd      t0, 0(sp)
        sd      t1, 256(sp)
        csrr    t0, scause
        csrr    t1, stval
        sd      t0, 264(sp)
        sd      t1, 272(sp)
        mv      a0, sp
        .endm

        .balign 4
        .globl  strap
strap:  csrrw   tp, sscratch, tp
        bnez    tp, from_user
        csrr    tp, sscratch
        csrw    sscratch, zero
        addi    sp, sp, -288
        sd      a0, 80(sp)
        registers sd, sp
        addi    t0, sp, 288
        sd      t0, 16(sp)
        sd      tp, 32(sp)
        save_trap
        call    kernel_trap
        ld      t0, 0(sp)
        ld      t1, 256(sp)
        csrw    sepc, t0
        csrw    sstatus, t1
        registers ld, sp
        ld      a0, 80(sp)
        addi    sp, sp, 288
        sret

from_user:
        sd      sp, 8(tp)
        ld      sp, 16(tp)
        sd      a0, 80(sp)
        registers sd, sp
        ld      t0, 8(tp)
        csrr    t1, sscratch
        csrw    sscratch, zero
        sd      t0, 16(sp)
        sd      t1, 32(sp)
        save_trap
        ld      sp, 0(tp)
        call    user_trap

# (frame in a0): goes to the process.
        .globl  to_user
to_user:
        csrci   sstatus, 2
        sd      a0, 16(tp)
        csrw    sscratch, tp
        ld      t0, 0(a0)
        ld      t1, 256(a0)
        csrw    sepc, t0
        csrw    sstatus, t1
        addi    t1, a0, 280
        sc.d    zero, zero, (t1)        # no reservation outlives a trap
        registers ld, a0
        ld      sp, 16(a0)
        ld      tp, 32(a0)
        ld      a0, 80(a0)
        sret

        .macro  floats op
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        \op     f\n, FP + 8*\n(a0)
        .endr
        .endm
        .globl  save_floats, restore_floats
        .option arch, +d
save_floats:
        li      t0, 0x6000
        csrs    sstatus, t0
        floats  fsd
        ret
restore_floats:
        li      t0, 0x6000
        csrs    sstatus, t0
        floats  fld
        ret

# (first byte, up to): the program of every process, wherever it is put. It asks for a call to make (a0 function, a2 how often, in its data
# the argument), makes it, and says what came of it (a0, a1), until it is not the same twice (a7 is 1 then).
        .section .rodata
        .balign 4
        .globl  program, program_end
program:
        li      a7, 0
ask:    ecall
        mv      s0, a0
        ld      s1, 8(tp)
        mv      s2, a2
        li      a1, 0
        mv      a0, s1
        jalr    s0
        mv      s4, a0
        mv      s5, a1
again:  addi    s2, s2, -1
        blez    s2, answer
        li      a1, 0
        mv      a0, s1
        jalr    s0
        bne     a0, s4, other
        beq     a1, s5, again
other:  li      a7, 1
        mv      a2, s4
        mv      a3, s5
        ecall
answer: mv      a0, s4
        mv      a1, s5
        sd      a0, 0(tp)
        j       ask
program_end:

        .section .tables, "aw"
        .balign 4096
boot_root:
        .space  8 * 256
        .dword  RAM >> 2 | 0xef
        .space  8 * 63
        .dword  0xe7
        .space  8 * 191

        .section .bss
        .balign 16
        .globl  stacks
stacks: .space  STACK * 8
