#include "compiler.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  char text[8];
  enum token token;
} words[] = { { "int", T_INT }, { "if", T_IF }, { "else", T_ELSE }, { "while", T_WHILE }, { "return", T_RETURN } },
  pairs[] = { { "<<", T_SHL }, { ">>", T_SHR }, { "<=", T_LE }, { ">=", T_GE }, { "==", T_EQ }, { "!=", T_NE }, { "&&", T_AND }, { "||", T_OR } };

#define COUNT(array) (sizeof(array) / sizeof *(array))

void fail(const struct lexer *lexer, const char *what)
{
  fprintf(stderr, "line %d: %s\n", lexer->line, what);
  exit(1);
}

void lexer_start(struct lexer *lexer, const char *text)
{
  *lexer = (struct lexer){ .at = text, .line = 1 };
  lexer_next(lexer);
}

static size_t name_length(const char *at)
{
  size_t length = 0;
  while (isalnum((uint8_t)at[length]) || at[length] == '_') length++;
  return length;
}

/* `#define NAME what is to stand there`, to the end of the line. */
static void define(struct lexer *lexer)
{
  if (strncmp(lexer->at, "#define ", 8) != 0) fail(lexer, "only #define is known");
  const char *at = lexer->at + 8;
  size_t length = name_length(at);
  struct name *name = intern(at, length);
  at += length;
  size_t rest = strcspn(at, "\n");
  char *macro = allocate(rest + 1);
  memcpy(macro, at, rest);
  macro[rest] = 0;
  name->macro = macro;
  lexer->at = at + rest;
}

static void skip_space(struct lexer *lexer)
{
  for (;;) {
    const char *at = lexer->at;
    if (*at == '\n') lexer->line++;
    if (*at == 0 && lexer->resume) {
      lexer->at = lexer->resume;
      lexer->resume = NULL;
    } else if (isspace((uint8_t)*at)) lexer->at++;
    else if (at[0] == '/' && at[1] == '/') lexer->at += strcspn(at, "\n");
    else if (at[0] == '/' && at[1] == '*') {
      const char *end = strstr(at + 2, "*/");
      if (!end) fail(lexer, "a comment does not end");
      lexer->at = end + 2;
    } else if (*at == '#') define(lexer);
    else return;
  }
}

static void name_or_word(struct lexer *lexer)
{
  size_t length = name_length(lexer->at);
  const char *start = lexer->at;
  lexer->at += length;
  for (size_t i = 0; i < COUNT(words); i++) {
    if (strlen(words[i].text) == length && memcmp(words[i].text, start, length) == 0) {
      lexer->token = words[i].token;
      return;
    }
  }
  lexer->token = T_NAME;
  lexer->name = intern(start, length);
  if (!lexer->name->macro || lexer->resume) return;
  lexer->resume = lexer->at;
  lexer->at = lexer->name->macro;
  lexer_next(lexer);
}

void lexer_next(struct lexer *lexer)
{
  skip_space(lexer);
  const char *at = lexer->at;
  if (*at == 0) lexer->token = T_END;
  else if (isdigit((uint8_t)*at)) {
    char *end;
    lexer->token = T_NUMBER;
    lexer->number = strtoul(at, &end, 0);
    lexer->at = end;
  } else if (isalpha((uint8_t)*at) || *at == '_') name_or_word(lexer);
  else {
    for (size_t i = 0; i < COUNT(pairs); i++) {
      if (at[0] != pairs[i].text[0] || at[1] != pairs[i].text[1]) continue;
      lexer->token = pairs[i].token;
      lexer->at += 2;
      return;
    }
    lexer->token = T_CHAR;
    lexer->character = *lexer->at++;
  }
}
