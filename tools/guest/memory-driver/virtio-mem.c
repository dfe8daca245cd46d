/*
 * A driver of the virtio memory device, over virtio's MMIO transport. After "Virtual I/O Device (VIRTIO) Version 1.2", sections 4.2
 * and 5.15: it takes blocks from the start of the region on until it has what is requested, and gives back those at the end.
 */
#include "driver.h"

/* Registers of the transport (4.2.2). */
enum {
  MAGIC = 0x000,
  VERSION = 0x004,
  DEVICE_ID = 0x008,
  DEVICE_FEATURES = 0x010,
  DEVICE_FEATURES_SEL = 0x014,
  DRIVER_FEATURES = 0x020,
  DRIVER_FEATURES_SEL = 0x024,
  QUEUE_SEL = 0x030,
  QUEUE_NUM = 0x038,
  QUEUE_READY = 0x044,
  QUEUE_NOTIFY = 0x050,
  INTERRUPT_STATUS = 0x060,
  INTERRUPT_ACK = 0x064,
  STATUS = 0x070,
  QUEUE_DESC = 0x080,
  QUEUE_DRIVER = 0x090,
  QUEUE_DEVICE = 0x0a0,
  CONFIG = 0x100,
};

enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
#define MAGIC_VALUE 0x74726976
#define VIRTIO_ID_MEM 24
#define F_UNPLUGGED_INACCESSIBLE (1u << 1)
#define F_VERSION_1 (1u << 0) /* of the second word */

/* The configuration (5.15.4). */
enum { BLOCK_SIZE = 0, ADDRESS = 16, PLUGGED_SIZE = 40, REQUESTED_SIZE = 48 };

enum { PLUG = 0, UNPLUG = 1 };
enum { ACK = 0 };

struct request {
  uint16_t type, padding[3];
  uint64_t address;
  uint16_t blocks, rest[3];
};
struct response {
  uint16_t type, padding[3];
  uint16_t state;
} __attribute__((packed));

#define QUEUE_SIZE 2
enum { NEXT = 1, WRITE = 2 };
static struct {
  uint64_t address;
  uint32_t length;
  uint16_t flags, next;
} descriptors[QUEUE_SIZE] __attribute__((aligned(16)));
static volatile struct {
  uint16_t flags, index, ring[QUEUE_SIZE];
} available __attribute__((aligned(2)));
static volatile struct {
  uint16_t flags, index;
  struct {
    uint32_t id, length;
  } ring[QUEUE_SIZE];
} used __attribute__((aligned(4)));
static struct request request;
static volatile struct response response;

static uintptr_t device;
static uint32_t irq;

static void store_pair(uintptr_t address, const volatile void *value) {
  store32(address, (uintptr_t)value);
  store32(address + 4, (uint64_t)(uintptr_t)value >> 32);
}

static void agree_on_features(void) {
  store32(device + DEVICE_FEATURES_SEL, 0);
  if (!(load32(device + DEVICE_FEATURES) & F_UNPLUGGED_INACCESSIBLE)) fail("the device does not offer what it must");
  store32(device + DRIVER_FEATURES_SEL, 0);
  store32(device + DRIVER_FEATURES, F_UNPLUGGED_INACCESSIBLE);
  store32(device + DRIVER_FEATURES_SEL, 1);
  store32(device + DRIVER_FEATURES, F_VERSION_1);
  store32(device + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
  if (!(load32(device + STATUS) & FEATURES_OK)) fail("the device does not take these features");
}

static void set_up_queue(void) {
  descriptors[0].address = (uintptr_t)&request;
  descriptors[0].length = sizeof request;
  descriptors[0].flags = NEXT;
  descriptors[0].next = 1;
  descriptors[1].address = (uintptr_t)&response;
  descriptors[1].length = sizeof response;
  descriptors[1].flags = WRITE;
  store32(device + QUEUE_SEL, 0);
  store32(device + QUEUE_NUM, QUEUE_SIZE);
  store_pair(device + QUEUE_DESC, descriptors);
  store_pair(device + QUEUE_DRIVER, &available);
  store_pair(device + QUEUE_DEVICE, &used);
  store32(device + QUEUE_READY, 1);
}

bool virtio_mem_start(void) {
  for (uint32_t slot = 0; slot < VIRTIO_SLOTS && device == 0; slot++) {
    uintptr_t at = VIRTIO(slot);
    if (load32(at + MAGIC) != MAGIC_VALUE || load32(at + VERSION) != 2) continue;
    if (load32(at + DEVICE_ID) == VIRTIO_ID_MEM) device = at, irq = VIRTIO_IRQ(slot);
  }
  if (device == 0) return false;
  store32(device + STATUS, 0);
  store32(device + STATUS, ACKNOWLEDGE | DRIVER);
  agree_on_features();
  set_up_queue();
  store32(device + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
  return true;
}

uint32_t virtio_mem_irq(void) { return irq; }

static void ask(uint16_t type, uint64_t address) {
  request = (struct request){.type = type, .address = address, .blocks = 1};
  available.ring[available.index % QUEUE_SIZE] = 0;
  __asm__ volatile("fence" ::: "memory");
  available.index++;
  __asm__ volatile("fence" ::: "memory");
  store32(device + QUEUE_NOTIFY, 0);
  while (used.index != available.index) {
  }
  if (response.type != ACK) fail("the device refuses a request");
}

void virtio_mem_follow(void) {
  store32(device + INTERRUPT_ACK, load32(device + INTERRUPT_STATUS));
  uint64_t block = load_pair(device + CONFIG + BLOCK_SIZE);
  uint64_t start = load_pair(device + CONFIG + ADDRESS);
  uint64_t before = load_pair(device + CONFIG + PLUGGED_SIZE);
  uint64_t wanted = load_pair(device + CONFIG + REQUESTED_SIZE);
  uint64_t old = 0, wrong = 0, has = before;
  for (; has < wanted; has += block) {
    ask(PLUG, start + has);
    old += fill(start + has, block);
  }
  for (; has > wanted; has -= block) {
    wrong += count_wrong(start + has - block, block);
    ask(UNPLUG, start + has - block);
  }
  wrong += count_wrong(start, has);
  if (load_pair(device + CONFIG + PLUGGED_SIZE) != has) fail("the device says another size");
  if (has == before) return;
  print("virtio-mem: ");
  print_number(has >> 20);
  print(" MiB, ");
  print_number(old);
  print(" old, ");
  print_number(wrong);
  print(" wrong\n");
}
