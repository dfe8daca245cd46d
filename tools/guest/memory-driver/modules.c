/*
 * Memory modules that come and go, by the controller of the tests' board: it shows one module at a time, with what has happened to it,
 * and waits for an answer.
 */
#include "driver.h"

enum { BASE = 0x00, SIZE = 0x08, EVENT = 0x10, ANSWER = 0x14 };
enum { NOTHING = 0, ADDED = 1, REMOVAL_WANTED = 2 };
enum { DONE = 1, EJECT = 2 };

static void report(const char *what, uint64_t bytes, uint64_t words, const char *kind) {
  print("module ");
  print(what);
  print(": ");
  print_number(bytes >> 20);
  print(" MiB, ");
  print_number(words);
  print(kind);
}

void modules_follow(void) {
  for (;;) {
    uint32_t event = load32(MODULES + EVENT);
    if (event == NOTHING) return;
    uint64_t base = load_pair(MODULES + BASE), bytes = load_pair(MODULES + SIZE);
    if (event == ADDED) {
      report("added", bytes, fill(base, bytes), " old\n");
      store32(MODULES + ANSWER, DONE);
    } else {
      report("given up", bytes, count_wrong(base, bytes), " wrong\n");
      store32(MODULES + ANSWER, EJECT);
    }
  }
}
