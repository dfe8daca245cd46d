# One CPU has to be alone again and again, for a compare and swap of 16 bytes, each time after a longer while up to MOST turns of a loop;
# the other asks the device thread for something each time that the first has come further, and then waits for that without leaving its
# loop. So all moments are met in which somebody can want to be alone while another comes out of a call. Runs on two CPUs of the
# s390-ccw-virtio board: N rounds, which it counts at ROUNDS and, by those swaps, at PAIR. Ends by a disabled wait at 0xfff.
  .machine arch13
  .equ ROUNDS, 0xd0000
  .equ PAIR, 0xd0080

  .globl _start
_start:
  larl %r4, psw
  mvc 0x1a0(16), 0(%r4)
  lghi %r10, 1
  lghi %r0, 0
  sigp %r0, %r10, 6
  lgfi %r3, ROUNDS
  lgfi %r5, PAIR
  lghi %r6, 0
  lghi %r7, 0
  lgfi %r8, N
0: lgr %r2, %r8
  nill %r2, MOST - 1
  aghi %r2, 1
1: brctg %r2, 1b
2: lgr %r0, %r6
  aghi %r0, 1
  lgr %r1, %r7
  cdsg %r6, %r0, 0(%r5)
  jne 2b
  lgr %r6, %r0
  agsi 0(%r3), 1
  brctg %r8, 0b
3: sigp %r0, %r10, 5
  brc 2, 3b
  larl %r4, end
  lpswe 0(%r4)

second:
  lgfi %r3, ROUNDS
  lghi %r10, 0
4: lg %r1, 0(%r3)
  sigp %r2, %r10, 1
5: cg %r1, 0(%r3)
  je 5b
  j 4b

  .balign 8
psw: .quad 0x180000000, second
end: .quad 0x0002000180000000, 0xfff
