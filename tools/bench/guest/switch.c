/* An interpreter of a small stack machine: dispatch through a switch, that is one unpredictable indirect jump. */
#include "bench.h"

enum { PUSH, ADD, SUB, MUL, XOR, DUP, SWAP, OVER, SHR, STORE, LOAD, LOOP, ROTATE, NOT, DROP, HALT };

#define LOOPS 20000

const u32 bench_rounds = 144;

/* a and b in cells 0 and 1 are mixed again and again. */
static const u8 program[] = {
    LOAD, 0, DUP, PUSH, 13, SHR, XOR, LOAD, 1, ADD, DUP, STORE, 0, PUSH, 5,   ROTATE, LOAD, 1,
    MUL,  NOT, PUSH, 77, SUB, OVER, SWAP, DROP, XOR, STORE, 1, LOOP, HALT,
};
static u64 cells[4];

void bench_setup(void) {}

static NOINLINE void interpret(const u8 *code, u64 loops)
{
  u64 stack[32];
  u64 *top = stack;
  u64 value;
  const u8 *pc = code;
  for (;;) {
    switch (*pc++) {
    case PUSH: *++top = *pc++; break;
    case ADD: top--; *top += top[1]; break;
    case SUB: top--; *top -= top[1]; break;
    case MUL: top--; *top *= top[1] | 1; break;
    case XOR: top--; *top ^= top[1]; break;
    case DUP: top++; *top = top[-1]; break;
    case SWAP: value = *top; *top = top[-1]; top[-1] = value; break;
    case OVER: top++; *top = top[-2]; break;
    case SHR: top--; *top >>= top[1] & 63; break;
    case STORE: cells[*pc++] = *top--; break;
    case LOAD: *++top = cells[*pc++]; break;
    case LOOP:
      if (--loops == 0) break;
      pc = code;
      top = stack;
      break;
    case ROTATE: top--; *top = *top << (top[1] & 63) | *top >> (-top[1] & 63); break;
    case NOT: *top = ~*top; break;
    case DROP: top--; break;
    case HALT: return;
    }
  }
}

u64 bench_round(u32 index)
{
  cells[0] = index;
  cells[1] = index * 0x9e3779b97f4a7c15 + 1;
  interpret(program, LOOPS);
  return cells[0] ^ cells[1];
}
