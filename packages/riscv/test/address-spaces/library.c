/*
 * Random functions, and what they come to. A function is a list of instructions; the constants of most come from the version of the
 * page that their last two bytes lie in. So a function that goes on in another page, or an instruction that lies on two, is another
 * one where the second page is another version.
 */
#include "kernel.h"

enum kind {
  ADDI, XORI, ADDI2, SRLI, SLLI, CADDI,          /* with a constant of the version */
  ADDIW, ADDIW2, SLLIW, SRLIW, SRAIW,            /* the same of 32 bits */
  CMV, CXOR, CADD, CSUB, CADD1,                  /* a2 = a0, a0 op= a2, a1 += a2 */
  CADDW, CSUBW, CSEXT, MULW, ADD_UW, SLTU,
  AUIPC, JALSKIP, JUNK,                          /* a2 = where it is */
  BRANCH, CBRANCH,                               /* over the next instruction */
  LOOP, STEP, CSTEP, AGAIN, CAGAIN,
  PUSH, POP, CALL, LINK,                         /* LINK: a1 += ra */
  PLT, ADDRESS, LOAD_T3, CALL_T3,                /* calls through the table of addresses */
  LOAD_A2, CONSTANT_A2,                          /* an address of it, a constant of the code */
  TOUCH, STORE, STORE_WORD, RELOAD, RELOAD_WORD, RELOAD_UNSIGNED, RELOAD_HALF, RELOAD_BYTE,
                          /* in the data of the thread */
  STORE_ACROSS, RELOAD_ACROSS,
  SLOT_ADDRESS, AMO, LOAD_RESERVED, STORE_CONDITIONAL, RETRY,
  CSTORE, CRELOAD,                               /* in the frame */
  TO_FLOAT, FROM_FLOAT,
  RET, CRET,
};

struct op {
  u8 kind, length, a, b;
  s32 imm;
  u32 at;
};

enum { RA = 1, SP = 2, TP = 4, T1 = 6, S1 = 9, A0 = 10, A1, A2, A3, A4, A5, T3 = 28 };

#define MOST_OPS 12000
static struct op ops[MOST_OPS];
static u32 op_count;
struct function functions[LIBRARIES][FUNCTIONS];
struct import imports[LIBRARIES][GOT_SLOTS];

/* Places in each library. */
#define PLT_AT (2 * PAGE + 0xd00)
#define CONSTANTS_AT 0xe80
#define CONSTANTS 4
#define GOT_AT (CODE_PAGES * PAGE)

u64 mix(u64 x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9UL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebUL;
  return x ^ x >> 31;
}

static u64 constant_of(const struct op *op, u64 seed) {
  return mix(seed + (op - ops) * 0x9e3779b97f4a7c15UL);
}

static u64 pool_constant(int n, u64 seed) { return mix(seed ^ (n + 1) * 0xd1342543de82ef95UL); }

/* The constant that an instruction has in a version. */
static s32 immediate(const struct op *op, u64 seed) {
  u64 c = constant_of(op, seed);
  switch (op->kind) {
  case ADDI: case XORI: case ADDI2: case ADDIW: case ADDIW2: return (s32)(c & 0xfff) - 0x800;
  case SRLI: case SLLI: return 1 + c % 63;
  case SLLIW: case SRLIW: case SRAIW: return c % 32;
  case CADDI: return 1 + c % 31;
  /* The low four bits of 20 lie in the first half of the instruction. */
  case AUIPC: return (s32)(c & 0xffff0000) | op->imm;
  default: return op->imm;
  }
}

static u32 i_type(s32 imm, u32 rs1, u32 f3, u32 rd, u32 opcode) {
  return (u32)imm << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode;
}
static u32 s_type(s32 imm, u32 rs2, u32 rs1) {
  return ((u32)imm >> 5 & 127) << 25 | rs2 << 20 | rs1 << 15 | 3 << 12 | ((u32)imm & 31) << 7 | 0x23;
}
static u32 jal(s32 imm, u32 rd) {
  u32 i = imm;
  return (i >> 20 & 1) << 31 | (i >> 1 & 1023) << 21 | (i >> 11 & 1) << 20 | (i >> 12 & 255) << 12 | rd << 7 | 0x6f;
}
static u32 branch(s32 imm, u32 f3, u32 rs1, u32 rs2) {
  u32 i = imm;
  return (i >> 12 & 1) << 31 | (i >> 5 & 63) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | (i >> 1 & 15) << 8 |
         (i >> 11 & 1) << 7 | 0x63;
}
static u32 c_branch(s32 imm, u32 f3, u32 r) {
  u32 i = imm;
  return f3 << 13 | (i >> 8 & 1) << 12 | (i >> 3 & 3) << 10 | (r - 8) << 7 | (i >> 6 & 3) << 5 | (i >> 1 & 3) << 3 |
         (i >> 5 & 1) << 2 | 1;
}
static u32 c_imm(u32 f3, u32 r, s32 imm) { return f3 << 13 | ((u32)imm >> 5 & 1) << 12 | r << 7 | ((u32)imm & 31) << 2 | 1; }

static u32 encode(const struct op *op, u64 seed) {
  s32 imm = immediate(op, seed);
  switch ((enum kind)op->kind) {
  case ADDI: return i_type(imm, A0, 0, A0, 0x13);
  case XORI: return i_type(imm, A0, 4, A0, 0x13);
  case ADDI2: return i_type(imm, A0, 0, A2, 0x13);
  case SRLI: return i_type(imm, A0, 5, A2, 0x13);
  case SLLI: return i_type(imm, A0, 1, A2, 0x13);
  case CADDI: return c_imm(0, A0, imm);
  case ADDIW: return i_type(imm, A0, 0, A0, 0x1b);
  case ADDIW2: return i_type(imm, A0, 0, A2, 0x1b);
  case SLLIW: return i_type(imm, A0, 1, A2, 0x1b);
  case SRLIW: return i_type(imm, A0, 5, A2, 0x1b);
  case SRAIW: return i_type(0x400 | imm, A0, 5, A2, 0x1b);
  case CADDW: return 0x9c21 | (A0 - 8) << 7 | (A2 - 8) << 2;
  case CSUBW: return 0x9c01 | (A0 - 8) << 7 | (A2 - 8) << 2;
  case CSEXT: return c_imm(1, A0, 0);
  case MULW: return 1 << 25 | A2 << 20 | A0 << 15 | A0 << 7 | 0x3b;
  case ADD_UW: return 4 << 25 | A2 << 20 | A0 << 15 | A0 << 7 | 0x3b;
  case SLTU: return A2 << 20 | A0 << 15 | 3 << 12 | A2 << 7 | 0x33;
  case CMV: return 0x8002 | A2 << 7 | A0 << 2;
  case CXOR: return 0x8c21 | (A0 - 8) << 7 | (A2 - 8) << 2;
  case CADD: return 0x9002 | A0 << 7 | A2 << 2;
  case CSUB: return 0x8c01 | (A0 - 8) << 7 | (A2 - 8) << 2;
  case CADD1: return 0x9002 | A1 << 7 | A2 << 2;
  case AUIPC: return imm | A2 << 7 | 0x17;
  case JALSKIP: return jal(imm, A2);
  case JUNK: return constant_of(op, seed) % 3 == 0 ? constant_of(op, seed) >> 8 & 0xffff : 0;
  case BRANCH: return branch(imm, op->a, A0, op->b);
  case CBRANCH: return c_branch(imm, op->a, A0);
  case LOOP: return c_imm(2, op->a, imm);
  case STEP: return i_type(-1, op->a, 0, op->a, 0x13);
  case CSTEP: return c_imm(0, op->a, -1);
  case AGAIN: return branch(imm, 1, op->a, 0);
  case CAGAIN: return c_branch(imm, 7, op->a);
  case PUSH: return imm == 0 ? 0x1101 : imm == 1 ? 0xec06 : 0xe426;
  case POP: return imm == 0 ? 0x60e2 : imm == 1 ? 0x64a2 : 0x6105;
  case CALL: case PLT: return jal(imm, RA);
  case LINK: return 0x9002 | A1 << 7 | RA << 2;
  case ADDRESS: return (u32)(imm + 0x800) >> 12 << 12 | (u32)op->a << 7 | 0x17;
  case LOAD_T3: return i_type(imm, T3, 3, T3, 3);
  case CALL_T3: return i_type(0, T3, 0, op->a, 0x67);
  case LOAD_A2: case CONSTANT_A2: return i_type(imm, A4, 3, A2, 3);
  case STORE: case STORE_ACROSS: return s_type(imm, A0, TP);
  case RELOAD: case RELOAD_ACROSS: return i_type(imm, TP, 3, A2, 3);
  case TOUCH: return i_type(imm, TP, 3, A4, 3);
  case STORE_WORD: return s_type(imm, A0, TP) ^ 1 << 12;
  case RELOAD_WORD: return i_type(imm, TP, 2, A2, 3);
  case RELOAD_UNSIGNED: return i_type(imm, TP, 6, A2, 3);
  case RELOAD_HALF: return i_type(imm, TP, 5, A2, 3);
  case RELOAD_BYTE: return i_type(imm, TP, 0, A2, 3);
  case SLOT_ADDRESS: return i_type(imm, TP, 0, A4, 0x13);
  case AMO: return A0 << 20 | A4 << 15 | 3 << 12 | A2 << 7 | 0x2f;
  case LOAD_RESERVED: return 2 << 27 | A4 << 15 | 3 << 12 | A2 << 7 | 0x2f;
  case STORE_CONDITIONAL: return 3 << 27 | A0 << 20 | A4 << 15 | 3 << 12 | A5 << 7 | 0x2f;
  case RETRY: return branch(-8, 1, A5, 0);
  case CSTORE: return 0xe02a;
  case CRELOAD: return 0x6602;
  case TO_FLOAT: return 0xf2000053 | A0 << 15 | op->a << 7;
  case FROM_FLOAT: return 0xe2000053 | op->a << 15 | A2 << 7;
  case RET: return i_type(0, RA, 0, 0, 0x67);
  case CRET: return 0x8082;
  }
  return 0;
}

/* ---- making functions ---- */

struct maker {
  int library, function;
  u32 at;
};

static struct op *put(struct maker *m, enum kind kind, int length, s32 imm) {
  if (op_count == MOST_OPS) panic("too many instructions", 0, 0);
  struct op *op = &ops[op_count++];
  *op = (struct op){.kind = kind, .length = length, .imm = imm, .at = m->at};
  m->at += length;
  return op;
}

/* The next instruction is to lie on two pages, if any does. */
static int wants_long(const struct maker *m) { return (m->at & (PAGE - 1)) == PAGE - 2; }
static int wants_short(const struct maker *m) { return (m->at & (PAGE - 1)) == PAGE - 4 && !one_in(4); }

static const u8 LONG[] = {ADDI, XORI, ADDI2, SRLI, SLLI, ADDI, XORI, ADDIW, ADDIW2, SLLIW, SRLIW, SRAIW, MULW, ADD_UW, SLTU};
static const u8 SHORT[] = {CADDI, CMV, CXOR, CADD, CSUB, CADD1, CADDW, CSUBW, CSEXT};

static struct op *simple(struct maker *m) {
  int is_long = wants_long(m) || (!wants_short(m) && one_in(2));
  return is_long ? put(m, LONG[below(sizeof LONG)], 4, 0) : put(m, SHORT[below(sizeof SHORT)], 2, 0);
}

/* An instruction over the next, which is simple. */
static void over(struct maker *m) {
  struct op *op;
  if (wants_short(m) || (!wants_long(m) && one_in(2))) {
    op = put(m, CBRANCH, 2, 0);
    op->a = 6 + below(2);
  } else {
    static const u8 KINDS[] = {0, 1, 4, 5, 6, 7};
    op = put(m, BRANCH, 4, 0);
    op->a = KINDS[below(6)];
    op->b = one_in(3) ? 0 : A2;
  }
  simple(m);
  op->imm = m->at - op->at;
}

static void junk(struct maker *m) {
  struct op *op = put(m, JALSKIP, 4, 0);
  for (u32 n = below(4); n > 0; n--) put(m, JUNK, 2, 0);
  op->imm = m->at - op->at;
}

/* auipc to a register, and an access that counts from it. */
static void pc_relative(struct maker *m, u32 target, u32 base, enum kind kind) {
  s32 delta = (s32)(target - m->at);
  struct op *op = put(m, ADDRESS, 4, delta);
  op->a = base;
  s32 low = delta << 20 >> 20;
  put(m, kind, 4, low);
}

static int lower_import(const struct maker *m, int level) {
  for (u32 n = 0; n < 40; n++) {
    int slot = below(GOT_SLOTS);
    struct import i = imports[m->library][slot];
    if (functions[i.library][i.function].level < level) return slot;
  }
  return -1;
}

static void call(struct maker *m, int level) {
  int how = below(3);
  int slot = lower_import(m, level);
  if (how == 0 || slot < 0) {
    int f;
    do f = below(FUNCTIONS);
    while (functions[m->library][f].level >= level);
    put(m, CALL, 4, functions[m->library][f].start - m->at)->b = f;
  } else if (how == 1) {
    put(m, PLT, 4, PLT_AT + slot * 16 - m->at)->b = slot;
  } else {
    pc_relative(m, GOT_AT + slot * 8, T3, LOAD_T3);
    struct op *op = put(m, CALL_T3, 4, 0);
    op->a = RA;
    op->b = slot;
  }
  if (one_in(2)) put(m, LINK, 2, 0);
}

/* A doubleword of the function's own in the data of a thread, which begin at -4096(tp). */
static s32 own_slot(const struct maker *m) {
  int n = m->library * FUNCTIONS + m->function;
  return n < 20 ? -16 * (n + 1) : 16 * (n - 18);
}

static void body(struct maker *m, int level, u32 length, int in_loop, int is_pure) {
  for (; length > 0; length--) {
    u32 which = below(in_loop ? 10 : 12);
    if (wants_short(m) || which < 4) simple(m);
    else if (which == 4) over(m);
    else if (which == 5) {
      put(m, AUIPC, 4, below(16) << 12);
      put(m, one_in(2) ? CADD1 : CXOR, 2, 0);
    } else if (which == 6) {
      junk(m);
      put(m, CADD1, 2, 0);
    } else if (which == 7) {
      int n = below(CONSTANTS);
      int page = below(CODE_PAGES);
      pc_relative(m, page * PAGE + CONSTANTS_AT + n * 8, A4, CONSTANT_A2);
      ops[op_count - 1].a = page;
      ops[op_count - 1].b = n;
      put(m, CADD, 2, 0);
    } else if (is_pure) simple(m);
    else if (which == 8) {
      int slot = below(GOT_SLOTS);
      pc_relative(m, GOT_AT + slot * 8, A4, LOAD_A2);
      ops[op_count - 1].b = slot;
      put(m, CADD1, 2, 0);
    } else if (which == 9) {
      switch (below(5)) {
      case 0:
        /* What was read before it is written may be on a page that is not to be written. */
        if (one_in(2)) put(m, TOUCH, 4, own_slot(m));
        put(m, STORE, 4, own_slot(m));
        simple(m);
        if (one_in(3)) put(m, STORE_WORD, 4, own_slot(m));
        put(m, RELOAD + below(5), 4, own_slot(m));
        break;
      case 4:
        put(m, STORE, 4, own_slot(m));
        put(m, SLOT_ADDRESS, 4, own_slot(m));
        if (one_in(2)) put(m, AMO, 4, 0);
        else {
          put(m, LOAD_RESERVED, 4, 0);
          put(m, STORE_CONDITIONAL, 4, 0);
          put(m, RETRY, 4, 0);
        }
        put(m, CXOR, 2, 0);
        put(m, RELOAD, 4, own_slot(m));
        break;
      case 1:
        /* On two pages, and of no function that this one calls: there is no call in between. */
        if (one_in(2)) put(m, TOUCH, 4, -3);
        put(m, STORE_ACROSS, 4, -3);
        simple(m);
        put(m, RELOAD_ACROSS, 4, -3);
        break;
      case 2: {
        int r = below(32);
        put(m, TO_FLOAT, 4, 0)->a = r;
        if (level > 0 && one_in(2)) call(m, level);
        else simple(m);
        if (one_in(2)) put(m, FROM_FLOAT, 4, 0)->a = r;
        break;
      }
      default:
        if (level > 0) {
          put(m, CSTORE, 2, 0);
          if (one_in(2)) call(m, level);
          else simple(m);
          put(m, CRELOAD, 2, 0);
        } else simple(m);
      }
    } else if (level > 0) call(m, level);
    else simple(m);
  }
}

static void loop(struct maker *m, int level, int is_pure) {
  u32 counter = level > 0 ? S1 : A3;
  put(m, LOOP, 2, 1 + below(level > 0 ? 3 : 8))->a = counter;
  u32 start = m->at;
  body(m, level, 1 + below(4), 1, is_pure);
  int is_long = wants_long(m) || (!wants_short(m) && one_in(2));
  put(m, is_long ? STEP : CSTEP, is_long ? 4 : 2, 0)->a = counter;
  is_long = wants_long(m) || m->at - start > 200 || (!wants_short(m) && one_in(2));
  struct op *op = put(m, is_long ? AGAIN : CAGAIN, is_long ? 4 : 2, 0);
  op->imm = start - op->at;
  op->a = counter;
}

static void make_function(int library, int index) {
  struct function *f = &functions[library][index];
  struct maker m = {library, index, f->start};
  f->first_op = op_count;
  if (wants_long(&m) || one_in(2)) put(&m, ADDI2, 4, 0);
  else put(&m, CMV, 2, 0);
  if (f->level > 0) for (int n = 0; n < 3; n++) put(&m, PUSH, 2, n);
  body(&m, f->level, 2 + below(6), 0, f->is_pure);
  if (!one_in(3)) loop(&m, f->level, f->is_pure);
  body(&m, f->level, 1 + below(5), 0, f->is_pure);
  if (f->level > 0) for (int n = 0; n < 3; n++) put(&m, POP, 2, n);
  if (wants_long(&m) || one_in(4)) put(&m, RET, 4, 0);
  else put(&m, CRET, 2, 0);
  f->ops = op_count - f->first_op;
  f->end = m.at;
}

/* Around each boundary of pages a function that lies on both sides, and one behind it; one in the middle of each page. */
static u32 place_of(int index) {
  if (index < 3) return (index + 1) * PAGE - 2 * (one_in(4) ? 1 : 1 + below(40));
  if (index < 6) return (index - 2) * PAGE + 0x280 + 2 * below(32);
  return (index - 6) * PAGE + 0x500 + 2 * below(64);
}

void make_libraries(void) {
  for (int l = 0; l < LIBRARIES; l++) {
    for (int f = 0; f < FUNCTIONS; f++) {
      struct function *fn = &functions[l][f];
      fn->start = place_of(f);
      fn->level = (f + l) % 3;
      /* One of the lowest level in each library calls nothing and needs nothing. */
      fn->is_pure = fn->level == 0 && one_in(2);
    }
  }
  for (int l = 0; l < LIBRARIES; l++)
    for (int s = 0; s < GOT_SLOTS; s++) imports[l][s] = (struct import){below(LIBRARIES), below(FUNCTIONS)};
  for (int l = 0; l < LIBRARIES; l++) {
    for (int f = 0; f < FUNCTIONS; f++) make_function(l, f);
    for (int f = 0; f < FUNCTIONS; f++) {
      const struct function *fn = &functions[l][f];
      u32 room = f < 3 ? (f + 1) * PAGE + 0x280 : f < 6 ? (f - 2) * PAGE + 0x500 : (f - 6) * PAGE + 0xd00;
      if (fn->end > room) panic("a function is too long", f, fn->end);
    }
  }
}

/* ---- bytes of a page ---- */

static void write_half(u16 *page, int index, u32 at, u32 half) {
  if (at / PAGE == (u32)index) page[(at & (PAGE - 1)) / 2] = half;
}

static void write_word(u16 *page, int index, u32 at, u32 word) {
  write_half(page, index, at, word);
  write_half(page, index, at + 2, word >> 16);
}

void write_code(u16 *page, int library, int index, u64 seed) {
  for (u32 n = 0; n < PAGE / 2; n++) page[n] = 0;
  for (int f = 0; f < FUNCTIONS; f++) {
    const struct function *fn = &functions[library][f];
    if (fn->end <= index * PAGE || fn->start >= (index + 1) * PAGE) continue;
    for (u32 n = fn->first_op; n < (u32)fn->first_op + fn->ops; n++) {
      const struct op *op = &ops[n];
      u32 word = encode(op, seed);
      if (op->length == 4) write_word(page, index, op->at, word);
      else write_half(page, index, op->at, word);
    }
  }
  for (int s = 0; s < GOT_SLOTS; s++) {
    u32 at = PLT_AT + s * 16;
    s32 delta = GOT_AT + s * 8 - at;
    write_word(page, index, at, (u32)(delta + 0x800) >> 12 << 12 | T3 << 7 | 0x17);
    write_word(page, index, at + 4, i_type(delta << 20 >> 20, T3, 3, T3, 3));
    write_word(page, index, at + 8, i_type(0, T3, 0, T1, 0x67));
  }
  for (int n = 0; n < CONSTANTS; n++) ((u64 *)page)[CONSTANTS_AT / 8 + n] = pool_constant(n, seed);
}

/* ---- what functions come to ---- */

struct state {
  u64 a0, a1, a2;
  u64 f[32];
};

static void run(const struct loaded *at, int library, int index, struct state *s) {
  const struct function *fn = &functions[library][index];
  const u64 base = at->base[library];
  u64 counter = 0, frame = 0, slot = 0, across = 0;
  u32 start = 0;
  for (u32 n = fn->first_op;; n++) {
    const struct op *op = &ops[n];
    s64 imm = immediate(op, at->seed[library][(op->at + op->length - 1) / PAGE]);
    u64 pc = base + op->at;
    int taken = 0;
    switch ((enum kind)op->kind) {
    case ADDI: case CADDI: s->a0 += imm; break;
    case XORI: s->a0 ^= imm; break;
    case ADDI2: s->a2 = s->a0 + imm; break;
    case SRLI: s->a2 = s->a0 >> imm; break;
    case SLLI: s->a2 = s->a0 << imm; break;
    case ADDIW: s->a0 = (s32)(s->a0 + imm); break;
    case ADDIW2: s->a2 = (s32)(s->a0 + imm); break;
    case SLLIW: s->a2 = (s32)((u32)s->a0 << imm); break;
    case SRLIW: s->a2 = (s32)((u32)s->a0 >> imm); break;
    case SRAIW: s->a2 = (s32)s->a0 >> imm; break;
    case CADDW: s->a0 = (s32)(s->a0 + s->a2); break;
    case CSUBW: s->a0 = (s32)(s->a0 - s->a2); break;
    case CSEXT: s->a0 = (s32)s->a0; break;
    case MULW: s->a0 = (s32)((u32)s->a0 * (u32)s->a2); break;
    case ADD_UW: s->a0 = (u32)s->a0 + s->a2; break;
    case SLTU: s->a2 = s->a0 < s->a2; break;
    case CMV: s->a2 = s->a0; break;
    case CXOR: s->a0 ^= s->a2; break;
    case CADD: s->a0 += s->a2; break;
    case CSUB: s->a0 -= s->a2; break;
    case CADD1: s->a1 += s->a2; break;
    case AUIPC: s->a2 = pc + imm; break;
    case JALSKIP:
      s->a2 = pc + 4;
      while (ops[n + 1].kind == JUNK) n++;
      break;
    case BRANCH: {
      u64 b = op->b == 0 ? 0 : s->a2;
      switch (op->a) {
      case 0: taken = s->a0 == b; break;
      case 1: taken = s->a0 != b; break;
      case 4: taken = (s64)s->a0 < (s64)b; break;
      case 5: taken = (s64)s->a0 >= (s64)b; break;
      case 6: taken = s->a0 < b; break;
      default: taken = s->a0 >= b;
      }
      n += taken;
      break;
    }
    case CBRANCH: n += (s->a0 == 0) == (op->a == 6); break;
    case LOOP:
      counter = imm;
      start = n;
      break;
    case STEP: case CSTEP: counter--; break;
    case AGAIN: case CAGAIN: if (counter != 0) n = start; break;
    case CALL: run(at, library, op->b, s); break;
    case PLT: case CALL_T3: run(at, imports[library][op->b].library, imports[library][op->b].function, s); break;
    case LINK: s->a1 += pc; break;
    case LOAD_A2: {
      struct import i = imports[library][op->b];
      s->a2 = at->base[i.library] + functions[i.library][i.function].start;
      break;
    }
    case CONSTANT_A2: s->a2 = pool_constant(op->b, at->seed[library][op->a]); break;
    case STORE: slot = s->a0; break;
    case STORE_WORD: slot = (slot & ~0xffffffffUL) | (u32)s->a0; break;
    case RELOAD: s->a2 = slot; break;
    case RELOAD_WORD: s->a2 = (s32)slot; break;
    case RELOAD_UNSIGNED: s->a2 = (u32)slot; break;
    case RELOAD_HALF: s->a2 = (u16)slot; break;
    case RELOAD_BYTE: s->a2 = (s64)(signed char)slot; break;
    case STORE_ACROSS: across = s->a0; break;
    case RELOAD_ACROSS: s->a2 = across; break;
    case AMO:
      s->a2 = slot;
      slot += s->a0;
      break;
    case LOAD_RESERVED: s->a2 = slot; break;
    case STORE_CONDITIONAL: slot = s->a0; break;
    case CSTORE: frame = s->a0; break;
    case CRELOAD: s->a2 = frame; break;
    case TO_FLOAT: s->f[op->a] = s->a0; break;
    case FROM_FLOAT: s->a2 = s->f[op->a]; break;
    case JUNK: case PUSH: case POP: case ADDRESS: case LOAD_T3: case TOUCH: case SLOT_ADDRESS: case RETRY: break;
    case RET: case CRET: return;
    }
  }
}

struct result expected(const struct loaded *at, int library, int function, u64 argument) {
  struct state s = {.a0 = argument};
  run(at, library, function, &s);
  return (struct result){s.a0, s.a1};
}
