# What several CPUs may see of each other's accesses, orders, tables and keys. Runs on the s390-ccw-virtio board without DAT on NH
# CPUs, N rounds of most tests, CODE_ROUNDS, TIMES and TICK_ROUNDS of slower ones; leaves its results in storage at RESULTS, a doubleword each
# 64 bytes, and ends by a disabled wait at 0xfff.
  .machine arch13
  .equ RESULTS, 0xd0000
  .equ AREAS, 0x100000

  .macro result name, number
  .equ \name, RESULTS + 64 * \number
  .endm
  result sum_laag, 0
  result sum_csg, 1
  result sum_lock, 2
  result sum_cdsg, 3
  result sum_plo, 4
  result sum_plo1, 5
  result sum_plo2, 6
  result sum_csst, 7
  result copy_csst, 8
  result mp_bad, 9
  result sb_bad, 10
  result code_bad, 11
  result tod_bad, 12
  result ipte_bad, 13
  result signals, 14
  result timers, 15
  result over, 16
  result program, 17

  result barrier, 32
  result barrier2, 33
  result lock, 34
  result data, 35
  result flag, 36
  result answer, 37
  result seen0, 38
  result seen1, 39
  result version, 40
  result finished, 41
  result purged, 42

  .equ SEGMENTS, 0xd4000
  .equ PAGES, 0xd5000
  .equ FRAME, 0xe0000
  .equ WINDOW, 0xf0000

# The prefix area of each CPU: interruptions by their senders, the timers' count, and places for operands.
  .equ EMERGENCIES, 0x800
  .equ CALLS, 0x840
  .equ TICKS, 0x880
  .equ SCRATCH, 0x900
  .equ LIST, 0x980

# All CPUs meet here: `barrier` counts arrivals, r13 is how many must have come.
  .macro meet
  lgfi %r1, barrier
  lghi %r2, 1
  laag %r0, %r2, 0(%r1)
  aghi %r13, NH
9: cg %r13, 0(%r1)
  jh 9b
  .endm

  .globl _start
_start:
  lghi %r13, 0
  lghi %r10, 0
# Prefix areas and the other CPUs.
prepare:
  sllg %r4, %r10, 13
  agfi %r4, AREAS
  larl %r5, psw
  lg %r5, 0(%r5)
  larl %r6, external
  stg %r5, 0x1b0(%r4)
  stg %r6, 0x1b8(%r4)
  larl %r6, program_check
  stg %r5, 0x1d0(%r4)
  stg %r6, 0x1d8(%r4)
  larl %r6, secondary
  stg %r5, 0x1a0(%r4)
  stg %r6, 0x1a8(%r4)
  ltgr %r10, %r10
  je 4f
1: sigp %r8, %r10, 0x0b
  brc 2, 1b
  brc 5, wrong
2: lgr %r9, %r4
  sigp %r8, %r10, 0x0d
  brc 2, 2b
  brc 5, wrong
3: sigp %r8, %r10, 0x06
  brc 2, 3b
  brc 5, wrong
  j 5f
4: larl %r5, first_area
  spx 0(%r5)
5: aghi %r10, 1
  cghi %r10, NH
  jl prepare
  j everybody
wrong: j wrong

secondary:
  lghi %r13, 0
everybody:
  stap SCRATCH
  llgh %r12, SCRATCH

# Every CPU adds one N times: by LAAG, by CSG, under a lock made by CS.
  meet
  lgfi %r8, sum_laag
  lghi %r2, 1
  lgfi %r7, N
1: laag %r0, %r2, 0(%r8)
  brctg %r7, 1b
  lgfi %r8, sum_csg
  lgfi %r7, N
1: lg %r4, 0(%r8)
2: lgr %r5, %r4
  aghi %r5, 1
  csg %r4, %r5, 0(%r8)
  jne 2b
  brctg %r7, 1b
  lgfi %r8, sum_lock
  lgfi %r9, lock
  lgfi %r7, N
  lghi %r5, 1
1: lghi %r4, 0
  cs %r4, %r5, 0(%r9)
  jne 1b
  lg %r3, 0(%r8)
  aghi %r3, 1
  stg %r3, 0(%r8)
  lghi %r3, 0
  st %r3, 0(%r9)
  brctg %r7, 1b

# By CDSG: one to the left half, three to the right; by PLO: compare and swap, and two operands at once; by CSST.
  meet
  lgfi %r8, sum_cdsg
  lgfi %r10, N
1: lpq %r4, 0(%r8)
2: lgr %r6, %r4
  lgr %r7, %r5
  aghi %r6, 1
  aghi %r7, 3
  cdsg %r4, %r6, 0(%r8)
  jne 2b
  brctg %r10, 1b
  lgfi %r8, sum_plo
  lgfi %r10, N
1: lg %r4, 0(%r8)
2: lgr %r5, %r4
  aghi %r5, 1
  lghi %r0, 6
  lgfi %r1, lock
  plo %r4, 0(%r8), %r6, 0(%r8)
  jne 2b
  brctg %r10, 1b
  lgfi %r8, sum_plo1
  lgfi %r9, sum_plo2
  lgfi %r10, N
1: lg %r4, 0(%r8)
  lg %r6, 0(%r9)
  lgr %r5, %r4
  lgr %r7, %r6
  aghi %r5, 1
  aghi %r7, 3
  lghi %r0, 10
  lgfi %r1, lock
  plo %r4, 0(%r8), %r6, 0(%r9)
  jne 1b
  brctg %r10, 1b
  lgfi %r8, sum_csst
  lgfi %r9, copy_csst
  lgfi %r10, N
  lghi %r1, LIST
1: lg %r4, 0(%r8)
2: lgr %r5, %r4
  aghi %r5, 1
  stg %r5, 0(%r1)
  stg %r5, 16(%r1)
  lghi %r0, 0x301
  csst 0(%r8), 0(%r9), %r4
  jne 2b
  brctg %r10, 1b
  meet

# Message passing: CPU 0 writes data, then a flag; CPU 1 sees the flag, then must see the data, and a clock that is not behind.
  cghi %r12, 1
  jh mp_done
  lghi %r6, 1
  lgfi %r8, data
  lgfi %r9, flag
  lgfi %r10, answer
  lgfi %r11, N
  je mp_reader
1: stckf 8(%r8)
  stg %r6, 0(%r8)
  stg %r6, 0(%r9)
2: cg %r6, 0(%r10)
  jne 2b
  aghi %r6, 1
  cgr %r6, %r11
  jle 1b
  j mp_done
mp_reader:
  cg %r6, 0(%r9)
  jne mp_reader
  cg %r6, 0(%r8)
  je 1f
  lgfi %r1, mp_bad
  agsi 0(%r1), 1
1: stckf SCRATCH
  clc 8(8, %r8), SCRATCH
  jle 2f
  lgfi %r1, tod_bad
  agsi 0(%r1), 1
2: stg %r6, 0(%r10)
  aghi %r6, 1
  cgr %r6, %r11
  jle mp_reader
mp_done:
  meet

# Store buffering: CPUs 0 and 1 each store and then fetch what the other stores; with serialization between, one sees the other's.
  lghi %r6, 1
  lgfi %r8, data
  lgfi %r9, flag
  lgfi %r10, seen0
  ltgr %r12, %r12
  je 1f
  lgfi %r8, flag
  lgfi %r9, data
  lgfi %r10, seen1
1: lghi %r4, 0
  stg %r4, 0(%r8)
2: meet
  cghi %r12, 1
  jh 3f
  stg %r6, 0(%r8)
  bcr 15, 0
  lg %r4, 0(%r9)
  stg %r4, 0(%r10)
3: meet
  ltgr %r12, %r12
  jne 4f
  cg %r6, 0(%r10)
  je 4f
  lgfi %r1, seen1
  cg %r6, 0(%r1)
  je 4f
  lgfi %r1, sb_bad
  agsi 0(%r1), 1
4: aghi %r6, 1
  cgfi %r6, N / 16
  jle 2b
  meet

# Code of another CPU: CPU 0 rewrites a function and says so; the others call it after serialization and must get the new number.
  lgfi %r8, version
  lgfi %r9, barrier2
  lghi %r6, 1
  lghi %r10, 0
  ltgr %r12, %r12
  jne code_caller
1: larl %r4, patched
  sth %r6, 2(%r4)
  stg %r6, 0(%r8)
  aghi %r10, NH - 1
2: cg %r10, 0(%r9)
  jne 2b
  aghi %r6, 1
  cgfi %r6, CODE_ROUNDS
  jle 1b
  j code_done
code_caller:
  cg %r6, 0(%r8)
  jne code_caller
  bcr 15, 0
  brasl %r14, patched
  lghi %r3, 1
  cgr %r2, %r6
  je 1f
  lgfi %r1, code_bad
  laag %r0, %r3, 0(%r1)
1: laag %r0, %r3, 0(%r9)
  aghi %r6, 1
  cgfi %r6, CODE_ROUNDS
  jle code_caller
code_done:
  meet

# Orders: each CPU sends each other one an emergency signal and an external call, and waits for both to be taken.
  larl %r5, never
  sckc 0(%r5)
  larl %r5, long
  spt 0(%r5)
  larl %r5, controls
  lctlg %c0, %c0, 0(%r5)
  stosm SCRATCH, 1
  meet
  lghi %r6, TIMES
signal_round:
  lghi %r7, 0
signal_next:
  cgr %r7, %r12
  je 5f
  sllg %r8, %r7, 13
  sllg %r9, %r12, 3
  la %r8, 0(%r8, %r9)
  agfi %r8, AREAS
  lg %r4, EMERGENCIES(%r8)
1: sigp %r10, %r7, 3
  brc 2, 1b
  brc 5, wrong
2: cg %r4, EMERGENCIES(%r8)
  je 2b
  lg %r4, CALLS(%r8)
3: sigp %r10, %r7, 2
  brc 7, 3b
4: cg %r4, CALLS(%r8)
  je 4b
  lghi %r3, 2
  lgfi %r1, signals
  laag %r0, %r3, 0(%r1)
5: aghi %r7, 1
  cghi %r7, NH
  jl signal_next
  brctg %r6, signal_round
  meet

# Clocks: waits that the clock comparator and the CPU timer end.
  lghi %r6, TICK_ROUNDS
1: stnsm SCRATCH, 0xfe
  stckf SCRATCH
  lg %r4, SCRATCH
  agfi %r4, 50 << 12
  stg %r4, SCRATCH
  sckc SCRATCH
  larl %r5, wait1
  lpswe 0(%r5)
waited1:
  stnsm SCRATCH, 0xfe
  lgfi %r4, 50 << 12
  stg %r4, SCRATCH
  spt SCRATCH
  larl %r5, wait2
  lpswe 0(%r5)
waited2:
  brctg %r6, 1b
  stnsm SCRATCH, 0xfe
  lg %r3, TICKS
  lgfi %r1, timers
  laag %r0, %r3, 0(%r1)

# Tables: the others add to a frame by way of a page that CPU 0 takes away and gives back. While it is gone nobody may.
  meet
  ltgr %r12, %r12
  jne user
  lgfi %r4, SEGMENTS
  lgfi %r5, PAGES
  lghi %r6, 0x20
  lghi %r7, 512
1: stg %r6, 0(%r4)
  la %r4, 8(%r4)
  brctg %r7, 1b
  lgfi %r4, SEGMENTS
  stg %r5, 0(%r4)
  lghi %r6, 0
  lghi %r7, 256
1: stg %r6, 0(%r5)
  la %r5, 8(%r5)
  aghi %r6, 4096
  brctg %r7, 1b
  lgfi %r5, PAGES + (WINDOW >> 9)
  lgfi %r8, FRAME
  stg %r8, 0(%r5)
  meet
  lghi %r6, TIMES
taken:
  tmll %r6, 1
  je 1f
  lgfi %r9, PAGES
  lgfi %r10, WINDOW
  ipte %r9, %r10
  j 2f
1: oi 6(%r5), 4
  lghi %r2, 0
  lghi %r3, 0
  lgfi %r9, purged + 1
  csp %r2, %r9
2: lg %r9, 0(%r8)
  lghi %r10, 300
3: brctg %r10, 3b
  cg %r9, 0(%r8)
  je 4f
  lgfi %r1, ipte_bad
  agsi 0(%r1), 1
4: lg %r9, 0(%r8)
  stg %r8, 0(%r5)
5: cg %r9, 0(%r8)
  je 5b
# Keys: a change bit that is reset comes back, because the others store.
  lghi %r10, 0
  sske %r10, %r8
6: iske %r10, %r8
  tmll %r10, 2
  je 6b
  brctg %r6, taken
  lgfi %r1, finished
  mvhi 0(%r1), 1
  j tables_done
user:
  meet
  larl %r5, space
  lctlg %c1, %c1, 0(%r5)
  stosm SCRATCH, 4
  lgfi %r8, WINDOW
  lgfi %r9, finished
  lghi %r2, 1
1: laag %r0, %r2, 0(%r8)
  lt %r4, 0(%r9)
  je 1b
  stnsm SCRATCH, 0xfb
tables_done:
  meet

  ltgr %r12, %r12
  jne 1f
  lgfi %r1, over
  mvghi 0(%r1), 1
1: larl %r5, the_end
  lpswe 0(%r5)

# External interruptions: registers 14 and 15 are theirs.
external:
  llgh %r14, 0x86
  llgh %r15, 0x84
  sllg %r15, %r15, 3
  cghi %r14, 0x1201
  je 1f
  cghi %r14, 0x1202
  je 2f
  larl %r14, never
  sckc 0(%r14)
  larl %r14, long
  spt 0(%r14)
  agsi TICKS, 1
  ni 0x131, 0xfd
  lpswe 0x130
1: agsi EMERGENCIES(%r15), 1
  lpswe 0x130
2: agsi CALLS(%r15), 1
  lpswe 0x130

# The page that is taken away is tried again; nothing else may happen.
program_check:
  llgh %r14, 0x8e
  cghi %r14, 0x11
  jne 1f
  lpswe 0x150
1: lgfi %r15, program
  stg %r14, 0(%r15)
  larl %r14, the_end
  lpswe 0(%r14)

  .balign 16
psw: .quad 0x0000000180000000
wait1: .quad 0x0102000180000000, waited1
wait2: .quad 0x0102000180000000, waited2
the_end: .quad 0x0002000180000000, 0xfff
controls: .quad 0x6ce0
never: .quad -1
long: .quad 0x7fffffffffffffff
space: .quad SEGMENTS
first_area: .long AREAS

  .balign 4096
patched:
  lghi %r2, 0
  br %r14
  .balign 4096
