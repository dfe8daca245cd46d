/* Within a stretch without labels: constants, copies, and values that are there already (numbered by a hash). Then what nobody needs. */
#include "compiler.h"
#include <string.h>

#define BUCKETS 256

struct known {
  struct known *next;
  const struct insn *insn;
  int a, b;
};

struct facts {
  /* What each value is a copy of, itself if of none; and whether it is a constant. */
  int *copy_of;
  uint8_t *is_constant;
  uint64_t *constant;
  struct known *table[BUCKETS];
};

static void forget(struct facts *facts, int values)
{
  for (int i = 0; i < values; i++) facts->copy_of[i] = i;
  memset(facts->is_constant, 0, values);
  memset(facts->table, 0, sizeof facts->table);
}

/* A variable changes: copies and values made of it are none any more. */
static void changed(struct facts *facts, int variable, int values)
{
  for (int i = 0; i < values; i++)
    if (facts->copy_of[i] == variable) facts->copy_of[i] = i;
  for (int bucket = 0; bucket < BUCKETS; bucket++)
    for (struct known **at = &facts->table[bucket]; *at;)
      if ((*at)->a == variable || (*at)->b == variable) *at = (*at)->next;
      else at = &(*at)->next;
  facts->is_constant[variable] = 0;
}

static uint64_t computed(enum op op, uint64_t a, uint64_t b)
{
  switch (op) {
  case OP_ADD: return a + b;
  case OP_SUB: return a - b;
  case OP_MUL: return a * b;
  case OP_AND: return a & b;
  case OP_OR: return a | b;
  case OP_XOR: return a ^ b;
  case OP_SHL: return a << (b & 63);
  case OP_SHR: return a >> (b & 63);
  case OP_LT: return a < b;
  default: return a == b;
  }
}

static int is_binary(const struct insn *insn)
{
  return insn->op >= OP_ADD && insn->op <= OP_EQ;
}

static void make_constant(struct insn *insn, uint64_t number)
{
  insn->op = OP_CONST;
  insn->a = insn->b = -1;
  insn->number = number;
}

static void make_copy(struct insn *insn, int of)
{
  insn->op = OP_COPY;
  insn->a = of;
  insn->b = -1;
}

/* What an operand or two that are known make of an instruction. */
static void simplify(struct facts *facts, struct insn *insn)
{
  if (!is_binary(insn)) return;
  int a = insn->a, b = insn->b;
  uint64_t right = facts->constant[b];
  if (facts->is_constant[a] && facts->is_constant[b])
    make_constant(insn, computed(insn->op, facts->constant[a], right));
  else if (a == b && (insn->op == OP_SUB || insn->op == OP_XOR || insn->op == OP_LT)) make_constant(insn, 0);
  else if (a == b && (insn->op == OP_AND || insn->op == OP_OR)) make_copy(insn, a);
  else if (facts->is_constant[b] && right == 0 && (insn->op == OP_MUL || insn->op == OP_AND)) make_constant(insn, 0);
  else if (facts->is_constant[b] && right == 0 && insn->op != OP_LT && insn->op != OP_EQ) make_copy(insn, a);
  else if (facts->is_constant[b] && right == 1 && insn->op == OP_MUL) make_copy(insn, a);
}

static void number_value(struct facts *facts, struct insn *insn)
{
  unsigned hash = (unsigned)insn->op * 31 + (unsigned)insn->a * 17 + (unsigned)insn->b * 101 + (unsigned)insn->number * 7;
  struct known **bucket = &facts->table[hash % BUCKETS];
  for (const struct known *known = *bucket; known; known = known->next) {
    const struct insn *other = known->insn;
    if (other->op != insn->op || known->a != insn->a || known->b != insn->b || other->number != insn->number) continue;
    if (other->to == insn->to) continue;
    make_copy(insn, other->to);
    return;
  }
  struct known *known = allocate(sizeof *known);
  *known = (struct known){ *bucket, insn, insn->a, insn->b };
  *bucket = known;
}

static void forward(struct function *function)
{
  int values = function->values;
  struct facts facts = { allocate(values * sizeof(int)), allocate(values), allocate(values * sizeof(uint64_t)), { 0 } };
  forget(&facts, values);
  for (struct insn *insn = function->first; insn; insn = insn->next) {
    if (insn->op == OP_LABEL) forget(&facts, values);
    if (insn->a >= 0) insn->a = facts.copy_of[insn->a];
    if (insn->b >= 0) insn->b = facts.copy_of[insn->b];
    simplify(&facts, insn);
    if (insn->to < 0) continue;
    int is_variable = insn->to < function->variables;
    if (is_variable) changed(&facts, insn->to, values);
    else if (is_binary(insn) || insn->op == OP_CONST) number_value(&facts, insn);
    if (insn->op == OP_CONST) {
      facts.is_constant[insn->to] = 1;
      facts.constant[insn->to] = insn->number;
    } else if (insn->op == OP_COPY) {
      facts.is_constant[insn->to] = facts.is_constant[insn->a];
      facts.constant[insn->to] = facts.constant[insn->a];
      if (insn->a != insn->to) facts.copy_of[insn->to] = insn->a;
    }
  }
}

/* Temporaries are used in the stretch that makes them, variables wherever they live: those are kept. */
static void remove_unused(struct function *function)
{
  uint8_t *is_used = allocate(function->values);
  memset(is_used, 0, function->values);
  for (struct insn *insn = function->last, *previous; insn; insn = previous) {
    previous = insn->previous;
    int is_temporary = insn->to >= function->variables;
    if (is_temporary && !is_used[insn->to] && insn->op != OP_CALL) {
      remove_insn(function, insn);
      continue;
    }
    if (insn->a >= 0) is_used[insn->a] = 1;
    if (insn->b >= 0) is_used[insn->b] = 1;
  }
}

void optimise(struct function *function)
{
  for (int round = 0; round < 2; round++) {
    forward(function);
    remove_unused(function);
  }
}
