#include "compiler.h"
#include <stdlib.h>

/* What is allocated lives until the unit is done. */
struct chunk {
  struct chunk *next;
  size_t used, size;
  max_align_t bytes[];
};
#define CHUNK 16384

static struct chunk *chunks;

void *allocate(size_t bytes)
{
  bytes = (bytes + 15) & ~(size_t)15;
  if (!chunks || chunks->used + bytes > chunks->size) {
    size_t size = bytes > CHUNK ? bytes : CHUNK;
    struct chunk *chunk = malloc(sizeof *chunk + size);
    if (!chunk) abort();
    *chunk = (struct chunk){ .next = chunks, .size = size };
    chunks = chunk;
  }
  void *at = (char *)chunks->bytes + chunks->used;
  chunks->used += bytes;
  return at;
}

void free_all(void)
{
  while (chunks) {
    struct chunk *next = chunks->next;
    free(chunks);
    chunks = next;
  }
}

struct insn *append(struct function *function, enum op op, int to, int a, int b)
{
  struct insn *insn = allocate(sizeof *insn);
  *insn = (struct insn){ .previous = function->last, .op = op, .to = to, .a = a, .b = b };
  if (function->last) function->last->next = insn;
  else function->first = insn;
  return function->last = insn;
}

void remove_insn(struct function *function, struct insn *insn)
{
  if (insn->previous) insn->previous->next = insn->next;
  else function->first = insn->next;
  if (insn->next) insn->next->previous = insn->previous;
  else function->last = insn->previous;
}
