/* A bare program for the profiler: two leaves that take one and three parts of the time, called by one and by two functions. */
typedef unsigned long u64;

volatile u64 result;

__attribute__((noinline)) u64 leaf(u64 rounds) {
  u64 sum = 1;
  for (u64 i = 0; i < rounds; i++)
    sum = sum * 31 + i;
  return sum;
}

__attribute__((noinline)) u64 once(u64 rounds) {
  u64 sum = leaf(rounds);
  return sum + result;
}

__attribute__((noinline)) u64 thrice(u64 rounds) {
  u64 sum = leaf(3 * rounds);
  return sum + result;
}

__attribute__((noinline)) void work(void) {
  for (int i = 0; i < 200; i++)
    result = once(100) + thrice(100);
}

__asm__(".section .start, \"ax\"\n .globl _start\n_start:\n la sp, stack_top\n li s0, 0\n call work\n"
        " li t0, 0x100000\n li t1, 0x5555\n sw t1, (t0)\n1: j 1b\n"
        ".bss\n .balign 16\n .skip 4096\n stack_top:\n .text\n");
