#include "compiler.h"
#include <string.h>

#define BUCKETS 509

static struct name *table[BUCKETS];

struct name *intern(const char *text, size_t length)
{
  uint32_t hash = 2166136261; /* FNV-1a */
  for (size_t i = 0; i < length; i++) hash = (hash ^ (uint8_t)text[i]) * 16777619;
  struct name **bucket = &table[hash % BUCKETS];
  for (struct name *name = *bucket; name; name = name->next)
    if (strlen(name->text) == length && memcmp(name->text, text, length) == 0) return name;
  struct name *name = allocate(sizeof *name);
  char *copy = allocate(length + 1);
  memcpy(copy, text, length);
  copy[length] = 0;
  *name = (struct name){ .next = *bucket, .text = copy };
  return *bucket = name;
}
