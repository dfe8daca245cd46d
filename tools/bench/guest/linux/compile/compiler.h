/*
 * A compiler of a small language, as a job for Linux: what `make` and `cc` do to a machine, in one program of ours.
 *
 * The language has unsigned 64-bit integers, functions, `if`, `while`, `#define` of names, and C's operators.
 */
#ifndef COMPILER_H
#define COMPILER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* source.c: texts to compile, the same on every machine. */
void write_source(FILE *to, unsigned unit);

/* names.c: each name once, so that names are compared by address. */
struct name {
  struct name *next;
  const char *text;
  /* What `#define` made of it. */
  const char *macro;
  /* The variable of the function that is compiled, and of which function it is. */
  int variable;
  int function;
};
struct name *intern(const char *text, size_t length);

/* lexer.c */
enum token { T_END, T_NAME, T_NUMBER, T_INT, T_IF, T_ELSE, T_WHILE, T_RETURN, T_SHL, T_SHR, T_LE, T_GE, T_EQ, T_NE, T_AND, T_OR, T_CHAR };
struct lexer {
  const char *at;
  /* Behind the use of a macro. */
  const char *resume;
  int line;
  enum token token;
  /* Of T_CHAR. */
  char character;
  uint64_t number;
  struct name *name;
};
void lexer_start(struct lexer *lexer, const char *text);
void lexer_next(struct lexer *lexer);
_Noreturn void fail(const struct lexer *lexer, const char *what);

/* code.c: a function as instructions with three operands, in blocks. */
enum op { OP_CONST, OP_COPY, OP_ADD, OP_SUB, OP_MUL, OP_AND, OP_OR, OP_XOR, OP_SHL, OP_SHR, OP_LT, OP_EQ, OP_ARG, OP_CALL, OP_PARAM, OP_LABEL, OP_JUMP, OP_BRANCH_ZERO, OP_RETURN };
struct insn {
  struct insn *next, *previous;
  enum op op;
  /* Values: variables first, then temporaries; -1 for none. */
  int to, a, b;
  /* A constant, the number of a label or of a parameter. */
  uint64_t number;
  struct name *callee;
};
struct function {
  struct name *name;
  struct insn *first, *last;
  int variables, values, labels;
};
struct insn *append(struct function *function, enum op op, int to, int a, int b);
void remove_insn(struct function *function, struct insn *insn);
void *allocate(size_t bytes);
void free_all(void);

/* parser.c: the next function of a text; NULL at its end. */
struct function *parse_function(struct lexer *lexer);
/* optimiser.c: constants, copies, values computed twice, what nobody needs. */
void optimise(struct function *function);
/* emitter.c: registers and text. */
void emit(const struct function *function, FILE *to);

#endif
