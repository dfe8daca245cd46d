/* Counts in a loop, and takes bytes from the serial port. */
#define UART ((volatile unsigned char *)0x10000000)

volatile unsigned long turns;
volatile int last;

__attribute__((noinline)) void got(int byte) {
  last = byte;
}

int main(void) {
  for (;;) {
    turns++;
    if (UART[5] & 1)
      got(UART[0]);
  }
}

void second(void) {
  for (;;)
    ;
}
