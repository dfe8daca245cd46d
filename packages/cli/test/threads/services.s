# Four harts: each counts for 2 million instructions in a function of its own, then says so by semihosting, 20 times. The last one
# ends the machine with status 7.
        .option norvc
        .equ    HARTS, 4
        .equ    LINES, 20
        .globl  _start
_start: csrr    s0, mhartid
        la      t0, counters
        slli    t1, s0, 3
        add     t0, t0, t1
        ld      t0, 0(t0)
        li      a2, 1000000
        jalr    t0
        li      s1, LINES
        la      s2, texts
        slli    t1, s0, 3
        add     s2, s2, t1
1:      li      a0, 0x04                # SYS_WRITE0
        mv      a1, s2
        call    semihost
        addi    s1, s1, -1
        bnez    s1, 1b
        la      t0, ended
        li      t1, 1
        amoadd.w.aqrl t1, t1, (t0)
        li      t2, HARTS - 1
        bne     t1, t2, spin
        li      a0, 0x20                # SYS_EXIT_EXTENDED
        la      a1, status
        call    semihost
spin:   j       spin

        .macro  counter name
        .type   \name, @function
\name:  addi    a2, a2, -1
        bnez    a2, \name
        ret
        .size   \name, . - \name
        .endm
        counter count0
        counter count1
        counter count2
        counter count3

        .balign 16
semihost:
        slli    zero, zero, 0x1f
        ebreak
        srai    zero, zero, 7
        ret

        .balign 8
counters: .dword count0, count1, count2, count3
status: .dword  0x20026, 7
texts:  .ascii  "hart 0\n\0hart 1\n\0hart 2\n\0hart 3\n\0"
ended:  .word   0
