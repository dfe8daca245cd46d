/* The board, as its flattened device tree describes it (Devicetree Specification 0.4, chapters 2 and 5). */
#include "monitor.h"

#define FDT_MAGIC 0xd00dfeed
#define MAX_DEPTH 8

enum token { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4, END = 9 };

struct node {
  const char *name;
  uint32_t address_cells, size_cells; /* for its children */
  const char *compatible;
  const uint8_t *reg, *interrupts, *interrupts_extended;
  uint32_t reg_bytes, interrupts_extended_bytes;
  bool is_memory;
};

/* The virt boards' addresses, for a start without a device tree. */
struct board board = {.model = "unknown", .uart = 0x10000000, .finisher = 0x100000};

static uint32_t big_endian_32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint64_t cells(const uint8_t *bytes, uint32_t count) {
  uint64_t value = 0;
  for (uint32_t i = 0; i < count; i++) value = value << 32 | big_endian_32(bytes + 4 * i);
  return value;
}

static bool starts_with(const char *text, const char *prefix) {
  while (*prefix != '\0' && *text == *prefix) text++, prefix++;
  return *prefix == '\0';
}

/* Which of the PLIC's contexts is hart 0's machine mode: the first that is wired to interrupt 11 of a hart. */
static uint32_t machine_context(const struct node *node) {
  for (uint32_t i = 0; (i + 1) * 8 <= node->interrupts_extended_bytes; i++) {
    if (big_endian_32(node->interrupts_extended + 8 * i + 4) == 11) return i;
  }
  return 0;
}

static void note_device(const struct node *node, uintptr_t base) {
  const char *compatible = node->compatible;
  if (compatible == NULL) return;
  if (starts_with(compatible, "ns16550")) {
    board.uart = base;
    if (node->interrupts != NULL) board.uart_interrupt = big_endian_32(node->interrupts);
  } else if (equal(compatible, "sifive,plic-1.0.0") || equal(compatible, "riscv,plic0")) {
    board.plic = base;
    board.plic_context = machine_context(node);
  } else if (equal(compatible, "sifive,clint0") || equal(compatible, "riscv,clint0")) {
    board.clint = base;
  } else if (starts_with(compatible, "sifive,test")) {
    board.finisher = base;
  }
}

/* Keeps the ranges in the order of their addresses. */
static void add_range(struct range range) {
  if (board.range_count == MAX_RANGES) return;
  size_t at = board.range_count++;
  for (; at > 0 && board.ranges[at - 1].base > range.base; at--) board.ranges[at] = board.ranges[at - 1];
  board.ranges[at] = range;
}

static void note_node(const struct node *node, const struct node *parent) {
  uint32_t entry_bytes = 4 * (parent->address_cells + parent->size_cells);
  if (node->reg == NULL || parent->size_cells == 0) return;
  for (uint32_t at = 0; at + entry_bytes <= node->reg_bytes; at += entry_bytes) {
    uint64_t base = cells(node->reg + at, parent->address_cells);
    if (at == 0) note_device(node, base);
    add_range((struct range){
        .base = base,
        .size = cells(node->reg + at + 4 * parent->address_cells, parent->size_cells),
        .name = node->name,
        .compatible = node->compatible,
        .is_memory = node->is_memory,
    });
  }
}

static void note_property(struct node *node, const char *name, const uint8_t *value, uint32_t length, uint32_t depth) {
  if (equal(name, "#address-cells")) node->address_cells = big_endian_32(value);
  if (equal(name, "#size-cells")) node->size_cells = big_endian_32(value);
  if (equal(name, "compatible")) node->compatible = (const char *)value;
  if (equal(name, "reg")) node->reg = value, node->reg_bytes = length;
  if (equal(name, "interrupts")) node->interrupts = value;
  if (equal(name, "interrupts-extended")) node->interrupts_extended = value, node->interrupts_extended_bytes = length;
  if (equal(name, "device_type")) node->is_memory = equal((const char *)value, "memory");
  if (equal(name, "model") && depth == 1) board.model = (const char *)value;
  if (equal(name, "riscv,isa") && board.isa == NULL) board.isa = (const char *)value;
  if (equal(name, "timebase-frequency")) board.timebase_hz = big_endian_32(value);
}

static void walk(const uint8_t *at, const char *strings) {
  struct node nodes[MAX_DEPTH + 1] = {{.address_cells = 2, .size_cells = 1}};
  uint32_t depth = 0;
  for (;;) {
    uint32_t token = big_endian_32(at);
    at += 4;
    if (token == BEGIN_NODE) {
      if (depth == MAX_DEPTH) return;
      const char *name = (const char *)at;
      nodes[++depth] = (struct node){.name = name, .address_cells = 2, .size_cells = 1};
      at += (length_of(name) + 4) & ~3ul;
    } else if (token == PROPERTY) {
      uint32_t length = big_endian_32(at);
      note_property(&nodes[depth], strings + big_endian_32(at + 4), at + 8, length, depth);
      at += 8 + ((length + 3) & ~3u);
    } else if (token == END_NODE) {
      if (depth == 0) return;
      note_node(&nodes[depth], &nodes[depth - 1]);
      depth--;
    } else if (token != NOP) {
      return;
    }
  }
}

bool board_discover(uintptr_t tree) {
  const uint8_t *blob = (const uint8_t *)tree;
  if (tree == 0 || tree % 4 != 0 || big_endian_32(blob) != FDT_MAGIC) return false;
  board.tree = tree;
  board.tree_end = tree + big_endian_32(blob + 4);
  walk(blob + big_endian_32(blob + 8), (const char *)blob + big_endian_32(blob + 12));
  return true;
}

const struct range *board_memory(void) {
  for (size_t i = 0; i < board.range_count; i++) {
    const struct range *range = &board.ranges[i];
    if (range->is_memory && range->base <= (uintptr_t)_start && (uintptr_t)_start < range->base + range->size) {
      return range;
    }
  }
  return NULL;
}
