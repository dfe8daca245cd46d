# Hart 0 gives a page of hart 1 another frame, again and again, and interrupts it so that it forgets the old one. Hart 1 adds to a
# doubleword that lies on that page and on the one before, and to a word of it. Once hart 1 has answered, nothing writes to the old
# frame any more: hart 0 looks until hart 1 has gone on, and ends the machine with status 1 where something does.
        .option norvc
        .equ    CLINT, 0x2000000
        .equ    ROOT, 0x80010000
        .equ    MIDDLE, 0x80011000
        .equ    LEAVES, 0x80012000
        .equ    FIRST, 0x80020000
        .equ    ONE, 0x80030000
        .equ    OTHER, 0x80040000
        .equ    RWXAD, 0xcf
        .macro  entry table, index, frame, flags
        li      t0, \table + 8 * \index
        li      t1, (\frame >> 12) << 10 | \flags
        sd      t1, 0(t0)
        .endm
        .globl  _start
_start: csrr    s0, mhartid
        la      s1, words               # ready, answers, progress
        bnez    s0, second
        entry   ROOT, 1, MIDDLE, 1
        entry   ROOT, 2, 0x80000000, RWXAD
        entry   MIDDLE, 0, LEAVES, 1
        entry   LEAVES, 0, FIRST, RWXAD
        entry   LEAVES, 1, ONE, RWXAD
        fence
        li      t0, 1
        sd      t0, 0(s1)
        li      s2, CLINT
        li      s3, ROUNDS
        li      s4, ONE
        li      s5, OTHER
round:  li      t0, LEAVES + 8
        srli    t1, s5, 12
        slli    t1, t1, 10
        ori     t1, t1, RWXAD
        ld      t2, 8(s1)
        sd      t1, 0(t0)
        fence
        li      t0, 1
        sw      t0, 4(s2)
1:      ld      t0, 8(s1)
        beq     t0, t2, 1b
        ld      t0, 0(s4)
        ld      t1, 8(s4)
        ld      t2, 16(s1)
2:      ld      t3, 16(s1)
        beq     t3, t2, 2b
        ld      t2, 0(s4)
        bne     t0, t2, wrong
        ld      t2, 8(s4)
        bne     t1, t2, wrong
        mv      t0, s4
        mv      s4, s5
        mv      s5, t0
        addi    s3, s3, -1
        bnez    s3, round
        li      t1, 0x5555
        j       end
wrong:  li      t1, 0x13333
end:    li      t0, 0x100000
        sw      t1, 0(t0)
        j       .

second: ld      t0, 0(s1)
        beqz    t0, second
        li      t0, -1
        srli    t0, t0, 10
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0
        li      t0, 8 << 60 | ROOT >> 12
        csrw    satp, t0
        la      t0, trap
        csrw    mtvec, t0
        li      t0, 8
        csrw    mie, t0
        li      t0, 1 << 11
        csrw    mstatus, t0
        la      t0, adds
        csrw    mepc, t0
        sfence.vma
        mret
adds:   li      t0, 0x40000ffd
        li      s4, 0
        li      t2, 1 << 32             # changes bytes on the second page
3:      ld      t1, 0(t0)
        add     t1, t1, t2
        sd      t1, 0(t0)
        li      t5, 4000000             # each access across pages walks, these do not
4:      lw      t1, 11(t0)
        addiw   t1, t1, 1
        sw      t1, 11(t0)
        addi    t5, t5, -1
        bnez    t5, 4b
        addi    s4, s4, 1
        sd      s4, 16(s1)
        j       3b

        .balign 4
trap:   li      t3, CLINT
        sw      zero, 4(t3)
        sfence.vma
        li      t3, 1
        addi    t4, s1, 8
        amoadd.d.aqrl zero, t3, (t4)
        mret

        .balign 4096
words:  .dword  0, 0, 0
