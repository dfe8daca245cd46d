# What several harts may see of each other's accesses. Runs on the virt board in machine mode on NH harts, N rounds of each test;
# sends a line for each test on the serial port, its count of what must not be seen or the sum that must come out, and turns the
# machine off.
  .equ UART, 0x10000000
  .equ FINISHER, 0x100000

# All harts meet here: `barrier` counts arrivals, s11 is how many must have come.
  .macro meet
  fence rw, rw
  la t0, barrier
  li t1, 1
  amoadd.w zero, t1, (t0)
  addi s11, s11, NH
9: lw t1, (t0)
  blt t1, s11, 9b
  fence rw, rw
  .endm

  .globl _start
_start:
  csrr s0, mhartid
  li s11, 0

# Every hart adds one N times: to a word by amoadd, to another by lr and sc, to a third under a lock made by amoswap.
  meet
  la s1, sum_amo
  li s2, N
1: li t0, 1
  amoadd.w zero, t0, (s1)
  addi s2, s2, -1
  bnez s2, 1b
  la s1, sum_lrsc
  li s2, N
1: lr.d t0, (s1)
  addi t0, t0, 1
  sc.d t1, t0, (s1)
  bnez t1, 1b
  addi s2, s2, -1
  bnez s2, 1b
  la s1, sum_lock
  la s3, lock
  li s2, N
1: li t0, 1
  amoswap.w.aq t0, t0, (s3)
  bnez t0, 1b
  ld t1, (s1)
  addi t1, t1, 1
  sd t1, (s1)
  amoswap.w.rl zero, zero, (s3)
  addi s2, s2, -1
  bnez s2, 1b
  meet

# Message passing: hart 0 writes data, then a flag; hart 1 sees the flag, then must see the data.
  li t2, 1
  bgtu s0, t2, mp_done
  li s2, 1
  la s1, data
  la s3, flag
  la s4, answer
  li s5, N
  beq s0, t2, mp_reader
1: sd s2, (s1)
  fence w, w
  sd s2, (s3)
2: ld t0, (s4)
  bne t0, s2, 2b
  addi s2, s2, 1
  ble s2, s5, 1b
  j mp_done
mp_reader:
  la s6, mp_bad
1: ld t0, (s3)
  bne t0, s2, 1b
  fence r, r
  ld t1, (s1)
  beq t1, s2, 2f
  ld t0, (s6)
  addi t0, t0, 1
  sd t0, (s6)
2: fence rw, w
  sd s2, (s4)
  addi s2, s2, 1
  ble s2, s5, 1b
mp_done:
  meet

# Store buffering: harts 0 and 1 each store and then load what the other stores; with a fence between, one sees the other's.
  li s2, 1
  la s1, data
  la s3, flag
  la s4, seen0
  la s5, seen1
  beqz s0, sb_go
  la s1, flag
  la s3, data
  la s4, seen1
sb_go:
  sd zero, (s1)
1: meet
  li t2, 1
  bgtu s0, t2, 2f
  sd s2, (s1)
  fence rw, rw
  ld t0, (s3)
  sd t0, (s4)
2: meet
  bnez s0, 3f
  ld t0, (s4)
  ld t1, (s5)
  beq t0, s2, 3f
  beq t1, s2, 3f
  la s6, sb_bad
  ld t0, (s6)
  addi t0, t0, 1
  sd t0, (s6)
3: addi s2, s2, 1
  li t0, N / 16
  ble s2, t0, 1b
  meet

# Code of another hart: hart 0 rewrites a function and says so; the others call it after fence.i and must get the new number.
  la s3, version
  la s4, barrier2
  li s2, 1
  bnez s0, code_caller
1: la t0, patched
  slli t1, s2, 20
  li t2, 0x00000513
  or t1, t1, t2
  sw t1, (t0)
  fence rw, rw
  sd s2, (s3)
  addi t2, s2, 0
  li t3, NH - 1
  mul t2, t2, t3
2: lw t0, (s4)
  bne t0, t2, 2b
  addi s2, s2, 1
  li t0, CODE_ROUNDS
  ble s2, t0, 1b
  j code_done
code_caller:
  la s6, code_bad
1: ld t0, (s3)
  bne t0, s2, 1b
  fence r, rw
  fence.i
  call patched
  beq a0, s2, 2f
  li t0, 1
  amoadd.d zero, t0, (s6)
2: li t0, 1
  amoadd.w.rl zero, t0, (s4)
  addi s2, s2, 1
  li t0, CODE_ROUNDS
  ble s2, t0, 1b
code_done:
  meet

  bnez s0, park
  la s1, results
  la s2, results_end
1: ld a0, (s1)
  call send
  addi s1, s1, 64
  bne s1, s2, 1b
  li t0, FINISHER
  li t1, 0x5555
  sw t1, (t0)
park:
  wfi
  j park

# Sends a0 in hexadecimal and a line feed.
send:
  li t0, UART
  li t2, 60
1: srl t3, a0, t2
  andi t3, t3, 15
  addi t4, t3, 48
  li t5, 10
  blt t3, t5, 2f
  addi t4, t4, 39
2: sb t4, (t0)
  addi t2, t2, -4
  bgez t2, 1b
  sb t5, (t0)
  ret

  .balign 4096
patched:
  li a0, 0
  ret
  .balign 4096
results:
sum_amo: .dword 0
  .balign 64
sum_lrsc: .dword 0
  .balign 64
sum_lock: .dword 0
  .balign 64
mp_bad: .dword 0
  .balign 64
sb_bad: .dword 0
  .balign 64
code_bad: .dword 0
  .balign 64
results_end:
barrier: .dword 0
  .balign 64
barrier2: .dword 0
  .balign 64
lock: .dword 0
  .balign 64
data: .dword 0
  .balign 64
flag: .dword 0
  .balign 64
answer: .dword 0
  .balign 64
seen0: .dword 0
  .balign 64
seen1: .dword 0
  .balign 64
version: .dword 0
