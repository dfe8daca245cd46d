/* Linear scan over a function's values, and its text as a made-up assembly. */
#include "compiler.h"
#include <string.h>

#define REGISTERS 12

struct place {
  /* Numbers of the first and last instruction that need it. */
  int first, last;
  /* -1: on the stack, in `slot`. */
  int in_register;
  int slot;
};

static void use(struct place *places, int value, int at)
{
  if (value < 0) return;
  if (places[value].first < 0) places[value].first = at;
  places[value].last = at;
}

static struct place *live_ranges(const struct function *function)
{
  struct place *places = allocate(function->values * sizeof *places);
  for (int i = 0; i < function->values; i++) places[i] = (struct place){ -1, -1, -1, -1 };
  int at = 0;
  for (const struct insn *insn = function->first; insn; insn = insn->next, at++) {
    use(places, insn->a, at);
    use(places, insn->b, at);
    use(places, insn->to, at);
  }
  /* Loops go back to what variables are then. */
  for (int i = 0; i < function->variables; i++)
    if (places[i].first >= 0) places[i] = (struct place){ 0, at, -1, -1 };
  return places;
}

/* Gives registers in the order in which values begin to live; who lives longest goes to the stack. */
static int assign(const struct function *function, struct place *places)
{
  struct place *in[REGISTERS] = { 0 };
  int slots = 0, at = 0;
  for (const struct insn *insn = function->first; insn; insn = insn->next, at++) {
    int operands[] = { insn->a, insn->b, insn->to };
    for (int i = 0; i < 3; i++) {
      if (operands[i] < 0) continue;
      struct place *place = &places[operands[i]];
      if (place->in_register >= 0 || place->slot >= 0) continue;
      int chosen = -1, longest = 0;
      for (int r = 0; r < REGISTERS && chosen < 0; r++) {
        if (!in[r] || in[r]->last < at) chosen = r;
        else if (in[r]->last > in[longest]->last) longest = r;
      }
      if (chosen < 0 && in[longest]->last > place->last) {
        chosen = longest;
        in[longest]->in_register = -1;
        in[longest]->slot = slots++;
      }
      place->in_register = chosen;
      if (chosen >= 0) in[chosen] = place;
      else place->slot = slots++;
    }
  }
  return slots;
}

static const char *operand(const struct place *places, int value, char *text, size_t size)
{
  const struct place *place = &places[value];
  if (place->in_register >= 0) snprintf(text, size, "r%d", place->in_register);
  else snprintf(text, size, "[sp+%d]", place->slot * 8);
  return text;
}

void emit(const struct function *function, FILE *to)
{
  static const char *const names[] = { "li", "mv", "add", "sub", "mul", "and", "or", "xor", "shl", "shr", "lt", "eq", "arg", "call", "param" };
  struct place *places = live_ranges(function);
  int slots = assign(function, places);
  char a[16], b[16], result[16];
  fprintf(to, "%s:\n\tframe %d\n", function->name->text, slots * 8);
  for (const struct insn *insn = function->first; insn; insn = insn->next) {
    if (insn->a >= 0) operand(places, insn->a, a, sizeof a);
    if (insn->b >= 0) operand(places, insn->b, b, sizeof b);
    if (insn->to >= 0) operand(places, insn->to, result, sizeof result);
    unsigned long number = insn->number;
    switch (insn->op) {
    case OP_CONST:
    case OP_PARAM: fprintf(to, "\t%s %s, %lu\n", names[insn->op], result, number); break;
    case OP_COPY: if (strcmp(result, a) != 0) fprintf(to, "\tmv %s, %s\n", result, a); break;
    case OP_ARG: fprintf(to, "\targ %lu, %s\n", number, a); break;
    case OP_CALL: fprintf(to, "\tcall %s, %s\n", result, insn->callee->text); break;
    case OP_LABEL: fprintf(to, ".L%s_%lu:\n", function->name->text, number); break;
    case OP_JUMP: fprintf(to, "\tj .L%s_%lu\n", function->name->text, number); break;
    case OP_BRANCH_ZERO: fprintf(to, "\tbz %s, .L%s_%lu\n", a, function->name->text, number); break;
    case OP_RETURN: fprintf(to, "\tret %s\n", a); break;
    default: fprintf(to, "\t%s %s, %s, %s\n", names[insn->op], result, a, b);
    }
  }
}
