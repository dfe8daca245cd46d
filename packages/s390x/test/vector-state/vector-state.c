/*
 * The init of a test: threads whose vector registers the kernel has to keep, over system calls, other threads, and signals whose
 * handler destroys them all; then glibc's functions that use vectors. Says `vector-state: ...` and turns the machine off.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/reboot.h>
#include <sys/time.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 40
#define YIELDS 50
#define REGISTERS 32
#define HWCAP_VXRS (1UL << 11)

typedef struct {
  uint64_t half[2];
} vector;

static volatile int signals;
static int failed;

#define ALL_REGISTERS                                                                                                  \
  "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17",  \
      "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"

static void destroy(int number) {
  (void)number;
  static const vector ones[16] = {[0 ... 15] = {{~0UL, ~0UL}}};
  asm volatile("vlm %%v0,%%v15,0(%0)\n vlm %%v16,%%v31,0(%0)" : : "a"(ones), "m"(ones) : ALL_REGISTERS);
  signals++;
}

/* Loads every register, makes system calls (158 is sched_yield) without touching any, and stores them again. */
static void keep(const vector in[REGISTERS], vector out[REGISTERS]) {
  long count = YIELDS;
  asm volatile("vlm %%v0,%%v15,0(%1)\n"
               "vlm %%v16,%%v31,256(%1)\n"
               "0: lghi %%r1,158\n"
               "svc 0\n"
               "brctg %0,0b\n"
               "vstm %%v0,%%v15,0(%2)\n"
               "vstm %%v16,%%v31,256(%2)"
               : "+&d"(count)
               : "a"(in), "a"(out)
               : "r1", "r2", "cc", "memory", ALL_REGISTERS);
}

static void *run(void *argument) {
  uint64_t seed = (uintptr_t)argument * 0x9e3779b97f4a7c15UL;
  vector in[REGISTERS], out[REGISTERS];
  for (int round = 0; round < ROUNDS; round++) {
    for (int n = 0; n < REGISTERS; n++)
      for (int h = 0; h < 2; h++) in[n].half[h] = seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    keep(in, out);
    if (memcmp(in, out, sizeof in) != 0) __atomic_store_n(&failed, 1, __ATOMIC_SEQ_CST);
  }
  return NULL;
}

static void say(const char *what, int good) { printf("vector-state: %s %s\n", good ? "ok" : "FAILED", what); }

/* Strings of every length and place up to a page's end, against loops that the compiler leaves alone. */
static int strings(void) {
  static char page[8192] __attribute__((aligned(4096)));
  for (int length = 0; length < 130; length++)
    for (int end = 4096; end > 4080; end--) {
      char *text = page + end - length - 1;
      memset(text, 'x', length);
      text[length] = 0;
      char copy[160];
      if (strlen(text) != (size_t)length || memchr(text, 0, length + 1) != text + length) return 0;
      if (strcmp(strcpy(copy, text), text) != 0 || strchr(text, 'y') != NULL) return 0;
      if (length > 0) {
        copy[length - 1] = 'w';
        if (strcmp(copy, text) >= 0 || strrchr(copy, 'w') != copy + length - 1) return 0;
      }
    }
  return 1;
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  say("the kernel offers vectors", (getauxval(AT_HWCAP) & HWCAP_VXRS) != 0);
  struct sigaction action = {.sa_handler = destroy, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval often = {{0, 2000}, {0, 2000}};
  setitimer(ITIMER_REAL, &often, NULL);
  pthread_t threads[THREADS];
  for (uintptr_t n = 0; n < THREADS; n++) pthread_create(&threads[n], NULL, run, (void *)(n + 1));
  for (int n = 0; n < THREADS; n++) pthread_join(threads[n], NULL);
  struct itimerval never = {{0, 0}, {0, 0}};
  while (signals == 0) usleep(1000);
  setitimer(ITIMER_REAL, &never, NULL);
  say("threads keep their registers over calls and signals", !failed);
  say("strings", strings());
  printf("vector-state: end\n");
  sync();
  reboot(RB_POWER_OFF);
  return 0;
}
