# Adds up in a word 4 GiB above the start of RAM by load, store and atomic, stores across pages, runs code there. Status 0 if all is right.
  .option norelax
  .globl _start
_start:
  li s0, 0x180001000
  sd zero, 0(s0)
  li s1, 40000
  li s2, 0
  li t1, 1
sum:
  ld t0, 0(s0)
  add t0, t0, s2
  sd t0, 0(s0)
  amoadd.d t2, t1, (s0)
  bne t2, t0, fail
  addi s2, s2, 1
  bltu s2, s1, sum
  ld t0, 0(s0)
  li t1, 800020000
  bne t0, t1, fail

  li t0, 0x1122334455667788
  li t1, 0x180002ffd
  sd t0, 0(t1)
  ld t2, 0(t1)
  bne t0, t2, fail

  li t0, 0x04d00993 # addi s3, zero, 77
  sw t0, 256(s0)
  li t0, 0x00008067 # ret
  sw t0, 260(s0)
  fence.i
  addi t0, s0, 256
  li s2, 40000
call:
  li s3, 0
  jalr t0
  li t1, 77
  bne s3, t1, fail
  addi s2, s2, -1
  bnez s2, call

  li a0, 0x5555
  j end
fail:
  li a0, 0x13333
end:
  li t0, 0x100000
  sw a0, 0(t0)
stop:
  j stop
