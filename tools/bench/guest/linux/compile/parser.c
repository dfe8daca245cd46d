/* Recursive descent; binary operators by precedence. */
#include "compiler.h"

static int functions;

struct operator {
  enum token token;
  char character;
  int level;
  enum op op;
  /* The operands change places; the answer is the opposite. */
  int is_swapped, is_negated;
};

static const struct operator operators[] = {
  { T_OR, 0, 1, OP_OR, 0, 0 },      { T_AND, 0, 2, OP_AND, 0, 0 },    { T_CHAR, '|', 3, OP_OR, 0, 0 },
  { T_CHAR, '^', 4, OP_XOR, 0, 0 }, { T_CHAR, '&', 5, OP_AND, 0, 0 }, { T_EQ, 0, 6, OP_EQ, 0, 0 },
  { T_NE, 0, 6, OP_EQ, 0, 1 },      { T_CHAR, '<', 7, OP_LT, 0, 0 },  { T_CHAR, '>', 7, OP_LT, 1, 0 },
  { T_LE, 0, 7, OP_LT, 1, 1 },      { T_GE, 0, 7, OP_LT, 0, 1 },      { T_SHL, 0, 8, OP_SHL, 0, 0 },
  { T_SHR, 0, 8, OP_SHR, 0, 0 },    { T_CHAR, '+', 9, OP_ADD, 0, 0 }, { T_CHAR, '-', 9, OP_SUB, 0, 0 },
  { T_CHAR, '*', 10, OP_MUL, 0, 0 },
};

static int expression(struct lexer *lexer, struct function *function, int level);
static void block(struct lexer *lexer, struct function *function);

static int is_char(const struct lexer *lexer, char character)
{
  return lexer->token == T_CHAR && lexer->character == character;
}

static int accept(struct lexer *lexer, char character)
{
  if (!is_char(lexer, character)) return 0;
  lexer_next(lexer);
  return 1;
}

static void need(struct lexer *lexer, char character)
{
  if (!accept(lexer, character)) fail(lexer, "something else belongs here");
}

static struct name *need_name(struct lexer *lexer)
{
  if (lexer->token != T_NAME) fail(lexer, "a name belongs here");
  struct name *name = lexer->name;
  lexer_next(lexer);
  return name;
}

static int constant(struct function *function, uint64_t number)
{
  struct insn *insn = append(function, OP_CONST, function->values++, -1, -1);
  insn->number = number;
  return insn->to;
}

static int declare(struct function *function, struct name *name)
{
  name->function = functions;
  function->values++;
  return name->variable = function->variables++;
}

static int call(struct lexer *lexer, struct function *function, struct name *name)
{
  int arguments[8], count = 0;
  while (!accept(lexer, ')')) {
    if (count > 0) need(lexer, ',');
    if (count == 8) fail(lexer, "too many arguments");
    arguments[count++] = expression(lexer, function, 0);
  }
  for (int i = 0; i < count; i++) append(function, OP_ARG, -1, arguments[i], -1)->number = i;
  struct insn *insn = append(function, OP_CALL, function->values++, -1, -1);
  insn->callee = name;
  return insn->to;
}

static int primary(struct lexer *lexer, struct function *function)
{
  if (lexer->token == T_NUMBER) {
    uint64_t number = lexer->number;
    lexer_next(lexer);
    return constant(function, number);
  }
  if (accept(lexer, '(')) {
    int value = expression(lexer, function, 0);
    need(lexer, ')');
    return value;
  }
  struct name *name = need_name(lexer);
  if (accept(lexer, '(')) return call(lexer, function, name);
  if (name->function != functions) fail(lexer, "no such variable");
  return append(function, OP_COPY, function->values++, name->variable, -1)->to;
}

static const struct operator *operator_of(const struct lexer *lexer)
{
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    const struct operator *found = &operators[i];
    if (found->token == lexer->token && (found->token != T_CHAR || found->character == lexer->character)) return found;
  }
  return NULL;
}

/* 1 for what is not 0. */
static int truth(struct function *function, int value)
{
  int zero = constant(function, 0);
  return append(function, OP_LT, function->values++, zero, value)->to;
}

static int expression(struct lexer *lexer, struct function *function, int level)
{
  int left = primary(lexer, function);
  for (;;) {
    const struct operator *found = operator_of(lexer);
    if (!found || found->level <= level) return left;
    lexer_next(lexer);
    int right = expression(lexer, function, found->level);
    if (found->token == T_AND || found->token == T_OR) {
      left = truth(function, left);
      right = truth(function, right);
    }
    int a = found->is_swapped ? right : left, b = found->is_swapped ? left : right;
    left = append(function, found->op, function->values++, a, b)->to;
    if (found->is_negated) left = append(function, OP_EQ, function->values++, left, constant(function, 0))->to;
  }
}

static void label(struct function *function, int number)
{
  append(function, OP_LABEL, -1, -1, -1)->number = number;
}

/* The condition, and a way past what follows if it does not hold. */
static void condition(struct lexer *lexer, struct function *function, int otherwise)
{
  lexer_next(lexer);
  need(lexer, '(');
  int value = expression(lexer, function, 0);
  need(lexer, ')');
  append(function, OP_BRANCH_ZERO, -1, value, -1)->number = otherwise;
}

static void if_statement(struct lexer *lexer, struct function *function)
{
  int otherwise = function->labels++, end = otherwise;
  condition(lexer, function, otherwise);
  block(lexer, function);
  if (lexer->token == T_ELSE) {
    lexer_next(lexer);
    end = function->labels++;
    append(function, OP_JUMP, -1, -1, -1)->number = end;
    label(function, otherwise);
    block(lexer, function);
  }
  label(function, end);
}

static void while_statement(struct lexer *lexer, struct function *function)
{
  int start = function->labels++, end = function->labels++;
  label(function, start);
  condition(lexer, function, end);
  block(lexer, function);
  append(function, OP_JUMP, -1, -1, -1)->number = start;
  label(function, end);
}

static void assignment(struct lexer *lexer, struct function *function)
{
  int is_new = lexer->token == T_INT;
  if (is_new) lexer_next(lexer);
  struct name *name = need_name(lexer);
  int variable = is_new ? declare(function, name) : name->variable;
  if (name->function != functions) fail(lexer, "no such variable");
  need(lexer, '=');
  append(function, OP_COPY, variable, expression(lexer, function, 0), -1);
  need(lexer, ';');
}

static void statement(struct lexer *lexer, struct function *function)
{
  switch (lexer->token) {
  case T_IF: if_statement(lexer, function); break;
  case T_WHILE: while_statement(lexer, function); break;
  case T_RETURN:
    lexer_next(lexer);
    append(function, OP_RETURN, -1, expression(lexer, function, 0), -1);
    need(lexer, ';');
    break;
  default: assignment(lexer, function);
  }
}

static void block(struct lexer *lexer, struct function *function)
{
  need(lexer, '{');
  while (!accept(lexer, '}')) statement(lexer, function);
}

/* Variables are numbered before temporaries: at most so many. */
#define MOST_VARIABLES 32

struct function *parse_function(struct lexer *lexer)
{
  if (lexer->token == T_END) return NULL;
  if (lexer->token != T_INT) fail(lexer, "a function belongs here");
  lexer_next(lexer);
  struct function *function = allocate(sizeof *function);
  *function = (struct function){ .name = need_name(lexer), .values = MOST_VARIABLES };
  functions++;
  need(lexer, '(');
  for (int i = 0; !accept(lexer, ')'); i++) {
    if (i > 0) need(lexer, ',');
    if (lexer->token != T_INT) fail(lexer, "a parameter belongs here");
    lexer_next(lexer);
    append(function, OP_PARAM, declare(function, need_name(lexer)), -1, -1)->number = i;
  }
  block(lexer, function);
  if (function->variables > MOST_VARIABLES) fail(lexer, "too many variables");
  return function;
}
