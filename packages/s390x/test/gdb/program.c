/* A bare program for gdb: calls, loops, floating point, storage that is read and written. */
struct point {
  int x, y;
};

volatile int counter;
volatile int watched[4];
struct point origin = {3, 4};
double ratio = 1.5;
/* Set by a debugger: the end. */
volatile int ending;

__attribute__((noinline)) int add(int a, int b) {
  int sum = a + b;
  return sum;
}

__attribute__((noinline)) int factorial(int n) {
  if (n <= 1)
    return 1;
  return n * factorial(n - 1);
}

__attribute__((noinline)) double scale(double value) {
  return value * ratio;
}

__attribute__((noinline)) void touch(void) {
  watched[1] = 11;
  watched[2] = watched[1] + 1;
  counter = watched[2];
}

int main(void) {
  int total = add(origin.x, origin.y);
  total += factorial(5);
  ratio = scale(2.0);
  touch();
  for (int i = 0; i < 1000000000; i++) {
    counter++;
    total = add(total, 1);
    if (ending)
      break;
  }
  return total;
}
