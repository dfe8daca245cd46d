/*
 * s390-ccw-virtio. Console: the SCLP's ASCII console, as far as Linux uses it too (drivers/s390/char/sclp.h: event type 0x1a); end:
 * the disabled wait that the board takes for a shutdown; clock: TOD clock, in microseconds. Nothing counts instructions.
 */
#include "../machine.h"

#define WRITE_EVENT_DATA 0x00760005
#define WRITE_EVENT_MASK 0x00780005
#define ASCII_CONSOLE 0x1a
#define ASCII_CONSOLE_MASK (1u << (32 - ASCII_CONSOLE))
#define RESPONSE_NORMAL 0x0020

/* A service-call control block; it must not cross a page. */
static union {
  u8 page[4096];
  struct {
    u16 length;
    u8 function;
    u8 control[3];
    u16 response;
    union {
      struct {
        u16 unused;
        u16 bytes;
        u32 receive, send, sclp_receive, sclp_send;
      } mask;
      struct {
        u16 length;
        u8 type, flags;
        u16 reserved;
        u8 text[2048];
      } event;
    };
  };
} block __attribute__((aligned(4096)));

static void service_call(u32 command)
{
  u32 busy;
  do {
    __asm__ volatile(".insn rre, 0xb2200000, %1, %2\n ipm %0\n srl %0, 28" : "=d"(busy) : "d"(command), "d"((u32)(u64)&block) : "cc", "memory");
  } while (busy);
}

static void clear_block(void)
{
  for (u32 i = 0; i < sizeof block.page; i++) block.page[i] = 0;
}

void machine_put(const char *text)
{
  static u8 ready;
  if (!ready) {
    clear_block();
    block.length = 8 + sizeof block.mask;
    block.mask.bytes = 4;
    block.mask.send = ASCII_CONSOLE_MASK;
    service_call(WRITE_EVENT_MASK);
    ready = 1;
  }
  clear_block();
  u32 length = 0;
  while (text[length] && length < sizeof block.event.text) {
    block.event.text[length] = text[length];
    length++;
  }
  block.length = 14 + length;
  block.event.length = 6 + length;
  block.event.type = ASCII_CONSOLE;
  service_call(WRITE_EVENT_DATA);
}

void machine_end(void)
{
  static const struct {
    u64 mask, address;
  } psw = { 0x0002000180000000, 0xfff };
  for (;;) __asm__ volatile("lpswe %0" : : "Q"(psw) : "cc", "memory");
}

u64 machine_ticks(void)
{
  u64 tod;
  __asm__ volatile("stckf %0" : "=Q"(tod) : : "cc", "memory");
  return tod >> 12;
}

u64 machine_instructions(void)
{
  return 0;
}
