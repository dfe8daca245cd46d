# Orders to a CPU that is nearly always in the middle of an instruction which the device thread performs. Runs on two CPUs of the
# s390-ccw-virtio board: N rounds; leaves in storage at RESULTS, a doubleword each 64 bytes, how often the second CPU was restarted, how many
# orders found it busy, and in which rounds it was not stopped by a reset. Ends by a disabled wait at 0xfff.
  .machine arch13
  .equ RESTARTS, 0xd0000
  .equ BUSY, 0xd0040
  .equ RUNNING, 0xd0080

# Gives an order to the second CPU until it is accepted, and counts how often it is busy.
  .macro order code
8: sigp %r0, %r10, \code
  brc 13, 9f
  agsi 0(%r5), 1
  j 8b
9:
  .endm

  .globl _start
_start:
  larl %r4, psw
  mvc 0x1a0(16), 0(%r4)
  lghi %r10, 1
  lghi %r0, 0
  lgfi %r3, RESTARTS
  lgfi %r5, BUSY
  lgfi %r6, RUNNING
  lghi %r7, 0
  lghi %r8, N
round:
  order 6
# It counts, and goes on asking.
  aghi %r7, 1
1: cg %r7, 0(%r3)
  jne 1b
# While it asks, again.
  order 6
  aghi %r7, 1
2: cg %r7, 0(%r3)
  jne 2b
# A reset stops it wherever it is; an order behind that waits until it has.
  order 0x0b
3: lghi %r0, 0
  sigp %r0, %r10, 1
  brc 2, 3b
  tmll %r0, 0x40
  jne 4f
  agsi 0(%r6), 1
4: lghi %r0, 0
  brctg %r8, round
  larl %r4, end
  lpswe 0(%r4)

second:
  lgfi %r3, RESTARTS
  lghi %r4, 1
  laag %r2, %r4, 0(%r3)
  lghi %r10, 0
5: sigp %r2, %r10, 1
  j 5b

  .balign 8
psw: .quad 0x180000000, second
end: .quad 0x0002000180000000, 0xfff
