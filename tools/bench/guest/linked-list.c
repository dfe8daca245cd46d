/* Lists of 32-byte nodes in a pool of 256 KiB: insert in order, find, splice, reverse, remove. */
#include "bench.h"

#define NODES 8192
#define LISTS 64

struct node {
  struct node *next, *previous;
  u64 key, value;
};

const u32 bench_rounds = 320;

static struct node pool[NODES];
static struct node heads[LISTS];

void bench_setup(void)
{
  for (u32 i = 0; i < LISTS; i++) heads[i].next = heads[i].previous = &heads[i];
  for (u32 i = 0; i < NODES; i++) pool[i].key = bench_random();
}

static void insert(struct node *list, struct node *node)
{
  struct node *at = list->next;
  while (at != list && at->key < node->key) at = at->next;
  node->next = at;
  node->previous = at->previous;
  at->previous->next = node;
  at->previous = node;
}

static void reverse(struct node *list)
{
  struct node *at = list;
  do {
    struct node *following = at->next;
    at->next = at->previous;
    at->previous = following;
    at = following;
  } while (at != list);
}

static u64 find(const struct node *list, u64 key)
{
  u64 steps = 0;
  for (const struct node *at = list->next; at != list && at->key != key; at = at->next) steps++;
  return steps;
}

u64 bench_round(u32 index)
{
  u64 sum = 0;
  for (u32 i = 0; i < NODES; i++) {
    pool[i].key = pool[i].key * 0x5851f42d4c957f2d + index;
    insert(&heads[pool[i].key % LISTS], &pool[i]);
  }
  for (u32 i = 0; i < LISTS; i++) reverse(&heads[i]);
  for (u32 i = 0; i < NODES; i += 4) sum += find(&heads[pool[i].key % LISTS], pool[i].key);
  for (u32 i = 0; i < NODES; i++) {
    pool[i].next->previous = pool[i].previous;
    pool[i].previous->next = pool[i].next;
    sum = sum * 3 + pool[i].key;
  }
  return sum;
}
