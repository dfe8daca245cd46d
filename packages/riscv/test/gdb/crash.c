/* A program that ends in a trap: a table's neighbour, a function pointer, is overwritten long before it is called. */
typedef void (*action)(void);

volatile int steps;

void tick(void) {
  steps++;
}

struct {
  int table[8];
  action next;
} state;

__attribute__((noinline)) void fill(int count) {
  for (int i = 0; i < count; i++)
    state.table[i] = i * 0x1001;
}

int main(void) {
  state.next = tick;
  for (int round = 0; round < 2000; round++) {
    fill(round == 1500 ? 10 : 8); /* the mistake */
    for (int i = 0; i < 20; i++)
      steps++;
    if (round < 1600)
      continue;
    state.next();
  }
  return 0;
}

void second(void) {
  for (;;)
    ;
}
