/*
 * compile N: writes N sources, has each compiled by a process of its own, which is this program started anew, and prints
 * what they made. compile SOURCE TEXT: compiles one.
 */
#include "compiler.h"
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
  perror(what);
  exit(1);
}

static FILE *open_file(const char *path, const char *how)
{
  FILE *file = fopen(path, how);
  if (!file) die(path);
  return file;
}

static char *read_file(const char *path)
{
  FILE *file = open_file(path, "r");
  size_t size = 4096, length = 0, got;
  char *text = malloc(size);
  while (text && (got = fread(text + length, 1, size - length - 1, file)) > 0) {
    length += got;
    if (length + 1 == size) text = realloc(text, size *= 2);
  }
  if (!text) die("memory");
  fclose(file);
  text[length] = 0;
  return text;
}

static int compile(const char *source, const char *output)
{
  char *text = read_file(source);
  FILE *to = open_file(output, "w");
  struct lexer lexer;
  lexer_start(&lexer, text);
  for (struct function *function; (function = parse_function(&lexer));) {
    optimise(function);
    emit(function, to);
  }
  free_all();
  free(text);
  return fclose(to) == 0 ? 0 : 1;
}

static void start_compiler(const char *self, const char *source, const char *output)
{
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    execl(self, self, source, output, NULL);
    die(self);
  }
  int status;
  if (waitpid(child, &status, 0) != child || status != 0) {
    fprintf(stderr, "%s could not be compiled\n", source);
    exit(1);
  }
}

static int make(const char *self, unsigned units)
{
  for (unsigned unit = 0; unit < units; unit++) {
    char source[32], output[32];
    snprintf(source, sizeof source, "/tmp/unit-%u.c", unit);
    snprintf(output, sizeof output, "/tmp/unit-%u.s", unit);
    FILE *to = open_file(source, "w");
    write_source(to, unit);
    fclose(to);
    start_compiler(self, source, output);
    char *text = read_file(output);
    fputs(text, stdout);
    free(text);
    unlink(source);
    unlink(output);
  }
  return 0;
}

int main(int count, char **words)
{
  if (count == 2) return make(words[0], (unsigned)atoi(words[1]));
  if (count == 3) return compile(words[1], words[2]);
  fputs("compile N | compile SOURCE TEXT\n", stderr);
  return 1;
}
