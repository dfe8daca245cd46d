/* Texts to compile: random functions with loops that end. */
#include "compiler.h"

#define FUNCTIONS 40
#define VARIABLES 6

static uint64_t state;

/* xorshift64*; Marsaglia 2003, Vigna 2016. */
static unsigned below(unsigned limit)
{
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (unsigned)((state * 0x2545f4914f6cdd1d) >> 33) % limit;
}

static void expression(FILE *to, unsigned depth, unsigned function)
{
  static const char *const operators[] = { "+", "-", "*", "&", "|", "^", "<<", ">>", "<", "==", "<=", "!=", "&&", "||" };
  unsigned what = below(depth == 0 ? 4 : 12);
  if (what == 0) fprintf(to, "%u", below(100000));
  else if (what == 1) fprintf(to, "LIMIT_%u", below(8));
  else if (what < 4) fprintf(to, "value_%u", below(VARIABLES));
  else if (what == 4 && function > 0) {
    fprintf(to, "compute_%u(", below(function));
    expression(to, depth - 1, function);
    fputs(", ", to);
    expression(to, 0, function);
    fputc(')', to);
  } else {
    fputc('(', to);
    expression(to, depth - 1, function);
    fprintf(to, " %s ", operators[below(sizeof operators / sizeof *operators)]);
    expression(to, depth - 1, function);
    fputc(')', to);
  }
}

static void statements(FILE *to, unsigned depth, unsigned function)
{
  for (unsigned count = 2 + below(4); count > 0; count--) {
    unsigned what = below(depth == 0 ? 4 : 7);
    if (what < 4) {
      fprintf(to, "%*svalue_%u = ", 8 - 2 * (int)depth, "", below(VARIABLES));
      expression(to, 3, function);
      fputs(";\n", to);
      continue;
    }
    fprintf(to, "%*s/* depth %u */ %s (", 8 - 2 * (int)depth, "", depth, what == 4 ? "while" : "if");
    expression(to, 2, function);
    fputs(") {\n", to);
    statements(to, depth - 1, function);
    fputs("}", to);
    if (what == 6) {
      fputs(" else {\n", to);
      statements(to, depth - 1, function);
      fputs("}", to);
    }
    fputc('\n', to);
  }
}

void write_source(FILE *to, unsigned unit)
{
  state = unit + 0x9e3779b97f4a7c15;
  for (unsigned i = 0; i < 8; i++) fprintf(to, "#define LIMIT_%u %u\n", i, below(1000));
  for (unsigned i = 0; i < FUNCTIONS; i++) {
    fprintf(to, "\n// Function %u of unit %u.\nint compute_%u(int value_0, int value_1)\n{\n", i, unit, i);
    for (unsigned v = 2; v < VARIABLES; v++) fprintf(to, "  int value_%u = %u;\n", v, below(50));
    statements(to, 3, i);
    fputs("  return value_0 ^ value_3;\n}\n", to);
  }
}
