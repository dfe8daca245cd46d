/* The monitor's commands. */
#include "monitor.h"

enum finisher_word { FINISHER_FAIL = 0x3333, FINISHER_PASS = 0x5555, FINISHER_RESET = 0x7777 };

#define CLINT_MTIMECMP 0x4000
#define CLINT_MTIME 0xbff8
#define MIE_TIMER (1 << 7)

static void print_spaces(size_t width, size_t used) {
  for (; used < width; used++) print(" ");
}

static void print_size(uint64_t bytes) {
  unsigned unit = 0;
  while (bytes >= 1024 && bytes % 1024 == 0 && unit < 4) bytes /= 1024, unit++;
  print("%u %s", bytes, (const char *[]){"B", "KiB", "MiB", "GiB", "TiB"}[unit]);
}

void print_memory_map(void) {
  print("Memory map of %s\n", board.model);
  for (size_t i = 0; i < board.range_count; i++) {
    const struct range *range = &board.ranges[i];
    print("  0x%p  %s", range->base, range->name);
    print_spaces(24, length_of(range->name));
    print_size(range->size);
    if (range->compatible != NULL) print("  %s", range->compatible);
    print("\n");
  }
  if (board.tree != 0) print("The device tree lies at 0x%p, %u bytes.\n", board.tree, board.tree_end - board.tree);
}

void print_cpu(void) {
  uint64_t misa = READ_CSR(misa);
  print("Hart %u: vendor 0x%x, architecture 0x%x, implementation 0x%x\n", READ_CSR(mhartid), READ_CSR(mvendorid),
        READ_CSR(marchid), READ_CSR(mimpid));
  print("  misa 0x%p: RV%u ", misa, 16ul << (misa >> 62));
  for (unsigned letter = 0; letter < 26; letter++) {
    if (misa >> letter & 1) print("%c", 'A' + letter);
  }
  print("\n");
  if (board.isa != NULL) print("  isa %s\n", board.isa);
  print("  harts present:");
  for (unsigned hart = 0; hart < 64; hart++) {
    if (harts_present >> hart & 1) print(" %u", (uint64_t)hart);
  }
  print("\n");
}

_Noreturn void power_off(uint32_t status) {
  store32(board.finisher, status == 0 ? FINISHER_PASS : status << 16 | FINISHER_FAIL);
  for (;;) __asm__ volatile("wfi");
}

static void usage(const char *text) { print("usage: %s\n", text); }

static void command_map(char *argument) {
  (void)argument;
  print_memory_map();
}

static void command_cpu(char *argument) {
  (void)argument;
  print_cpu();
}

static void command_test(char *argument) {
  uint64_t megabytes = 16;
  if (*argument != '\0' && !parse_number(argument, &megabytes)) return usage("test [MEBIBYTES]");
  test_memory(megabytes);
}

static void command_echo(char *argument) { print("%s\n", argument); }

static void command_sha256(char *argument) {
  uint8_t digest[32];
  sha256(argument, length_of(argument), digest);
  print_digest(digest);
  print("\n");
}

static void command_primes(char *argument) {
  uint64_t limit = 1000000;
  struct span span = free_memory();
  if (*argument != '\0' && !parse_number(argument, &limit)) return usage("primes [LIMIT]");
  if (limit > span.end - span.start) return print("the limit must be at most %u\n", span.end - span.start);
  print("%u primes below %u\n", count_primes(limit, (uint8_t *)span.start), limit);
}

static void command_peek(char *argument) {
  uint64_t address;
  if (!parse_number(argument, &address)) return usage("peek ADDRESS");
  print("0x%p: 0x%x\n", address, (uint64_t)load32(address));
}

static void command_sleep(char *argument) {
  uint64_t milliseconds = 1000;
  if (*argument != '\0' && !parse_number(argument, &milliseconds)) return usage("sleep [MILLISECONDS]");
  if (board.clint == 0 || board.timebase_hz == 0) return print("this board has no CLINT\n");
  uintptr_t mtime = board.clint + CLINT_MTIME;
  uint64_t start = load64(mtime);
  uint64_t end = start + milliseconds * board.timebase_hz / 1000;
  store64(board.clint + CLINT_MTIMECMP, end);
  SET_CSR_BITS(mie, MIE_TIMER);
  while (load64(mtime) < end) __asm__ volatile("wfi");
  CLEAR_CSR_BITS(mie, MIE_TIMER);
  print("slept %u ms\n", (load64(mtime) - start) * 1000 / board.timebase_hz);
}

static void command_reboot(char *argument) {
  (void)argument;
  store32(board.finisher, FINISHER_RESET);
}

static void command_poweroff(char *argument) {
  uint64_t status = 0;
  if (*argument != '\0' && (!parse_number(argument, &status) || status > 255)) return usage("poweroff [STATUS]");
  power_off((uint32_t)status);
}

static void command_help(char *argument);

static const struct command {
  const char *name, *arguments, *help;
  void (*run)(char *argument);
} commands[] = {
    {"help", "", "this list", command_help},
    {"map", "", "the memory map, from the device tree", command_map},
    {"cpu", "", "the processor's identity and extensions", command_cpu},
    {"test", "[MEBIBYTES]", "tests RAM (16 MiB)", command_test},
    {"echo", "TEXT", "says TEXT", command_echo},
    {"sha256", "TEXT", "the SHA-256 digest of TEXT", command_sha256},
    {"primes", "[LIMIT]", "counts the primes below LIMIT (1000000)", command_primes},
    {"peek", "ADDRESS", "reads 32 bits of memory, or shows the trap", command_peek},
    {"sleep", "[MILLISECONDS]", "waits for the timer (1000)", command_sleep},
    {"reboot", "", "resets the machine", command_reboot},
    {"poweroff", "[STATUS]", "turns the machine off; STATUS is the emulator's", command_poweroff},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void command_help(char *argument) {
  (void)argument;
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    const struct command *command = &commands[i];
    print("  %s %s", command->name, command->arguments);
    print_spaces(24, length_of(command->name) + length_of(command->arguments));
    print("%s\n", command->help);
  }
}

void run_command(char *line) {
  while (*line == ' ') line++;
  if (*line == '\0') return;
  char *argument = line;
  while (*argument != '\0' && *argument != ' ') argument++;
  while (*argument == ' ') *argument++ = '\0';
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    if (equal(line, commands[i].name)) return commands[i].run(argument);
  }
  print("%s: no such command; try help\n", line);
}
