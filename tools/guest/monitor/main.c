/* The monitor: looks at the machine, checks it, and takes commands. */
#include "monitor.h"

#define LINE_BYTES 128

enum key { KEY_BACKSPACE = 8, KEY_KILL_LINE = 21, KEY_DELETE = 127 };

static void read_line(char line[LINE_BYTES]) {
  size_t length = 0;
  for (;;) {
    char key = console_read();
    if (key == '\r' || key == '\n') break;
    if (key == KEY_BACKSPACE || key == KEY_DELETE || key == KEY_KILL_LINE) {
      size_t remove = key == KEY_KILL_LINE ? length : length > 0;
      for (; remove > 0; remove--, length--) print("\b \b");
    } else if (key >= ' ' && length < LINE_BYTES - 1) {
      line[length++] = key;
      console_write(key);
    }
  }
  line[length] = '\0';
  print("\n");
}

static _Noreturn void prompt(void) {
  static char line[LINE_BYTES];
  for (;;) {
    print("> ");
    read_line(line);
    run_command(line);
  }
}

static void check_computing(void) {
  static const uint8_t expected[4] = {0xba, 0x78, 0x16, 0xbf}; /* FIPS 180-4's example */
  uint8_t digest[32];
  sha256("abc", 3, digest);
  bool good = true;
  for (unsigned i = 0; i < 4; i++) good = good && digest[i] == expected[i];
  print("SHA-256 of \"abc\": ");
  print_digest(digest);
  print(good ? ", good\n" : ", WRONG\n");
  uint64_t primes = count_primes(100000, (uint8_t *)free_memory().start);
  print("Primes below 100000: %u%s\n", primes, primes == 9592 ? ", good" : ", WRONG");
}

_Noreturn void monitor_main(uintptr_t tree) {
  bool found = board_discover(tree);
  console_init();
  print("\nBoardwalk monitor\n\n");
  if (!found) print("No device tree at 0x%p: taking the virt board's addresses.\n", tree);
  print_memory_map();
  print_cpu();
  test_memory(4);
  check_computing();
  print("\nType help for the commands; poweroff ends.\n");
  prompt();
}

_Noreturn void monitor_trap(uint64_t cause, uint64_t pc, uint64_t value) {
  print("\ntrap: cause %u at 0x%p, value 0x%p\n", cause, pc, value);
  prompt();
}
