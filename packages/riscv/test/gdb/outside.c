/* Two harts that race, look at the world outside, and mix what they see into memory. */
#define UART ((volatile unsigned char *)0x10000000)
#define RTC ((volatile unsigned *)0x101000)

volatile unsigned long seen;
volatile unsigned long turns[2];

static void mix(unsigned long value) {
  seen = seen * 6364136223846793005ul + value;
}

int main(void) {
  for (;;) {
    turns[0]++;
    mix(turns[1]);
    if ((turns[0] & 1023) == 0)
      mix(RTC[0]);
    if (UART[5] & 1)
      mix(UART[0]);
  }
}

void second(void) {
  for (;;) {
    turns[1]++;
    mix(turns[0]);
  }
}
