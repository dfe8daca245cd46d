/* The test of RAM: every word gets a value of its own address, then the inverse, and must give it back. */
#include "monitor.h"

#define MIB (1ul << 20)
#define WITHOUT_TREE (16 * MIB)

struct span free_memory(void) {
  uintptr_t start = ((uintptr_t)stack_top + 0xfff) & ~0xffful;
  const struct range *memory = board_memory();
  uintptr_t end = memory != NULL ? memory->base + memory->size : (uintptr_t)_start + WITHOUT_TREE;
  if (board.tree >= start && board.tree < end) end = board.tree & ~0xffful;
  if (board.tree < start && board.tree_end > start) start = (board.tree_end + 0xfff) & ~0xffful;
  return (struct span){start, end};
}

static uint64_t pattern(uintptr_t address) { return address * 0x9e3779b97f4a7c15ul; }

static bool pass(struct span span, uint64_t flip) {
  for (uintptr_t at = span.start; at < span.end; at += 8) store64(at, pattern(at) ^ flip);
  for (uintptr_t at = span.start; at < span.end; at += 8) {
    uint64_t found = load64(at);
    if (found == (pattern(at) ^ flip)) continue;
    print("RAM at 0x%p holds 0x%p instead of 0x%p\n", at, found, pattern(at) ^ flip);
    return false;
  }
  return true;
}

bool test_memory(uint64_t megabytes) {
  struct span span = free_memory();
  if (megabytes < (span.end - span.start) / MIB) span.end = span.start + megabytes * MIB;
  print("RAM 0x%p to 0x%p (%u KiB): ", span.start, span.end - 1, (span.end - span.start) >> 10);
  bool good = pass(span, 0) && pass(span, ~0ul);
  if (good) print("good\n");
  return good;
}
