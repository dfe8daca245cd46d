/* Reads sectors of a virtio disk in turn, adds them up, and writes the sum where it read: what it reads is what it wrote. */
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;
typedef unsigned long u64;

#define SLOTS 0x10001000ul
#define REG(slot, offset) (*(volatile u32 *)(SLOTS + 0x1000 * (slot) + (offset)))
enum { N = 4, NEXT = 1, WRITE = 2, SECTOR = 512 };

struct { u64 address; u32 length; u16 flags, next; } descriptors[N] __attribute__((aligned(16)));
struct { u16 flags, index, ring[N]; } available;
volatile struct { u16 flags, index; struct { u32 id, length; } ring[N]; } used __attribute__((aligned(4)));
struct { u32 type, reserved; u64 sector; } header;
u64 data[SECTOR / 8];
volatile u8 status;
volatile u64 sum;
volatile u64 rounds;

static void put(int i, volatile void *address, u32 length, u16 flags) {
  descriptors[i].address = (u64)address;
  descriptors[i].length = length;
  descriptors[i].flags = flags;
  descriptors[i].next = i + 1;
}

static void set64(int slot, u32 offset, volatile void *address) {
  REG(slot, offset) = (u64)address;
  REG(slot, offset + 4) = (u64)address >> 32;
}

/* VIRTIO 1.2, 3.1.1 and 4.2.2. */
static int start(void) {
  int slot = 0;
  while (REG(slot, 0x008) != 2)
    slot++;
  REG(slot, 0x070) = 0;
  REG(slot, 0x070) = 3;
  REG(slot, 0x024) = 1;
  REG(slot, 0x020) = 1;
  REG(slot, 0x070) = 11;
  REG(slot, 0x030) = 0;
  REG(slot, 0x038) = N;
  set64(slot, 0x080, descriptors);
  set64(slot, 0x090, &available);
  set64(slot, 0x0a0, &used);
  REG(slot, 0x044) = 1;
  REG(slot, 0x070) = 15;
  return slot;
}

__attribute__((noinline)) void transfer(int slot, u32 type, u64 sector) {
  u16 before = used.index;
  header.type = type;
  header.sector = sector;
  put(0, &header, sizeof header, NEXT);
  put(1, data, SECTOR, type == 0 ? NEXT | WRITE : NEXT);
  put(2, &status, 1, WRITE);
  available.ring[available.index % N] = 0;
  __sync_synchronize();
  available.index++;
  __sync_synchronize();
  REG(slot, 0x050) = 0;
  while (used.index == before)
    ;
  __sync_synchronize();
}

int main(void) {
  int slot = start();
  for (;;) {
    transfer(slot, 0, rounds % 4);
    for (int i = 0; i < SECTOR / 8; i++)
      sum = sum * 6364136223846793005ul + data[i] + 1;
    for (int i = 0; i < SECTOR / 8; i++)
      data[i] = sum + i;
    transfer(slot, 1, rounds % 4);
    rounds++;
  }
}

void second(void) {
  for (;;)
    ;
}
