/*
 * Threads, signals, processes and mappings of Linux, all at once for so many seconds, each checking what it gets. Prints a line a
 * minute, and at the end what it has done; or FAILED with the reason, and ends with status 1. Statically linked, for any architecture.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOCKERS 3
#define RECEIVERS 2
#define HAMMERS 2
#define COUNTERS 2

static atomic_int over;
static time_t end;

static int is_over(void) { return atomic_load_explicit(&over, memory_order_relaxed); }

static void fail(const char *what) {
  printf("stress: FAILED %s (errno %d)\n", what, errno);
  fflush(stdout);
  _exit(1);
}

/* A lock, and what is counted under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t locked, locked_by[LOCKERS];
static atomic_ulong added, added_by[LOCKERS];

static void *locker(void *argument) {
  intptr_t me = (intptr_t)argument;
  while (!is_over()) {
    pthread_mutex_lock(&lock);
    uint64_t seen = locked;
    for (int i = 0; i < 20; i++) __asm__ volatile("" ::: "memory");
    locked = seen + 1;
    pthread_mutex_unlock(&lock);
    locked_by[me]++;
    atomic_fetch_add_explicit(&added, 1, memory_order_relaxed);
    added_by[me]++;
  }
  return 0;
}

/* Two threads by turns. */
static pthread_mutex_t turn_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static uint64_t turns;

static void *player(void *argument) {
  uint64_t mine = (uintptr_t)argument;
  pthread_mutex_lock(&turn_lock);
  while (!is_over()) {
    if (turns % 2 == mine) {
      turns++;
      pthread_cond_signal(&turned);
    } else {
      struct timespec soon;
      clock_gettime(CLOCK_REALTIME, &soon);
      soon.tv_sec += 1;
      pthread_cond_timedwait(&turned, &turn_lock, &soon);
    }
  }
  pthread_cond_signal(&turned);
  pthread_mutex_unlock(&turn_lock);
  return 0;
}

/* Real-time signals are queued: each that was sent arrives. */
static pthread_t receivers[RECEIVERS];
static uint64_t sent[RECEIVERS];
static atomic_ulong received[RECEIVERS];
static atomic_int listening, all_sent;
static __thread intptr_t receiver_number;
/* How long a signal may take that was sent, in seconds, before it counts as lost. */
#define SIGNAL_PATIENCE 600

static void on_signal(int signal) {
  (void)signal;
  received[receiver_number]++;
}

static void *receiver(void *argument) {
  receiver_number = (intptr_t)argument;
  listening++;
  volatile double sum = 0;
  for (uint64_t i = 0; !atomic_load(&all_sent) || received[receiver_number] < sent[receiver_number]; i++) sum += i;
  return 0;
}

static void *sender(void *argument) {
  (void)argument;
  /* A handler that ran before its thread knew its number would count for another. */
  while (listening < RECEIVERS) usleep(1000);
  while (!is_over()) {
    for (int i = 0; i < RECEIVERS; i++) {
      int error = pthread_kill(receivers[i], SIGRTMIN);
      if (error == 0) sent[i]++;
      else if (error != EAGAIN) fail("a signal cannot be sent");
    }
    if (sent[0] % 64 == 0) usleep(1000);
  }
  return 0;
}

/* Processes with a pipe. */
static uint64_t forks;

static uint32_t mix(uint32_t seed) {
  for (int i = 0; i < 1000; i++) seed = seed * 1664525 + 1013904223;
  return seed;
}

static void *forker(void *argument) {
  (void)argument;
  while (!is_over()) {
    int ends[2];
    if (pipe(ends) != 0) fail("no pipe");
    pid_t child = fork();
    if (child < 0) fail("no process");
    if (child == 0) {
      uint32_t value = mix((uint32_t)forks);
      _exit(write(ends[1], &value, sizeof value) == sizeof value ? 7 : 1);
    }
    uint32_t value = 0;
    int status = 0;
    ssize_t got;
    do got = read(ends[0], &value, sizeof value);
    while (got < 0 && errno == EINTR);
    if (got != sizeof value || value != mix((uint32_t)forks)) fail("a child says something else");
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7) fail("a child ended badly");
    close(ends[0]);
    close(ends[1]);
    forks++;
  }
  return 0;
}

/* What another thread has mapped away cannot be written any more once the call is back: every processor's TLB has forgotten it. */
static uint64_t remaps;
static volatile uint64_t *window;
static long page_size;

static void *hammer(void *argument) {
  uint64_t slot = (uintptr_t)argument;
  while (!is_over()) {
    for (int i = 0; i < 100; i++) window[slot]++;
  }
  return 0;
}

static void *remapper(void *argument) {
  (void)argument;
  int fd = memfd_create("pages", 0);
  if (fd < 0 || ftruncate(fd, 2 * page_size) != 0) fail("no file for pages");
  volatile uint64_t *alias = mmap(0, 2 * page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (alias == MAP_FAILED) fail("no alias");
  int shown = 0;
  while (!is_over()) {
    int next = !shown;
    if (mmap((void *)window, page_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, next * page_size) == MAP_FAILED)
      fail("no new mapping");
    volatile uint64_t *hidden = alias + shown * page_size / 8;
    uint64_t before[HAMMERS];
    for (int i = 0; i < HAMMERS; i++) before[i] = hidden[i];
    for (int i = 0; i < 3; i++) sched_yield();
    for (int i = 0; i < HAMMERS; i++) {
      if (hidden[i] != before[i]) fail("a page was written that was mapped away");
    }
    shown = next;
    remaps++;
  }
  return 0;
}

/* The same sum in doubles again and again, whatever interrupts it. */
static uint64_t sums[COUNTERS];

static void *summer(void *argument) {
  intptr_t me = (intptr_t)argument;
  double first = 0;
  while (!is_over()) {
    double sum = 0, term = 1;
    for (int i = 1; i < 2000; i++) {
      term = term * 0.999 + 1.0 / i;
      sum += term * term;
    }
    if (sums[me]++ == 0) first = sum;
    else if (sum != first) fail("a sum of doubles came out differently");
  }
  return 0;
}

static pthread_t threads[32];
static int count;

static pthread_t start(void *(*body)(void *), intptr_t argument) {
  if (pthread_create(&threads[count], 0, body, (void *)argument) != 0) fail("no thread");
  return threads[count++];
}

int main(int argc, char **argv) {
  int seconds = argc > 1 ? atoi(argv[1]) : 10;
  page_size = sysconf(_SC_PAGESIZE);
  window = mmap(0, page_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (window == MAP_FAILED) fail("no window");
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGRTMIN, &action, 0);
  end = time(0) + seconds;
  for (intptr_t i = 0; i < LOCKERS; i++) start(locker, i);
  for (intptr_t i = 0; i < 2; i++) start(player, i);
  for (intptr_t i = 0; i < RECEIVERS; i++) receivers[i] = start(receiver, i);
  pthread_t sending = start(sender, 0);
  start(forker, 0);
  for (intptr_t i = 0; i < HAMMERS; i++) start(hammer, i);
  start(remapper, 0);
  for (intptr_t i = 0; i < COUNTERS; i++) start(summer, i);
  for (int second = 1; time(0) < end; second++) {
    sleep(1);
    if (second % 60 == 0) printf("stress: %d s, forks %lu, remaps %lu\n", second, (unsigned long)forks, (unsigned long)remaps);
    fflush(stdout);
  }
  atomic_store(&over, 1);
  pthread_join(sending, 0);
  atomic_store(&all_sent, 1);
  for (int i = 0; i < RECEIVERS; i++) {
    for (int waited = 0; received[i] != sent[i]; waited++) {
      if (waited == SIGNAL_PATIENCE) fail("signals were lost");
      sleep(1);
    }
  }
  for (int i = 0; i < count; i++) {
    if (!pthread_equal(threads[i], sending)) pthread_join(threads[i], 0);
  }
  uint64_t by_lock = 0, by_add = 0, signals = 0;
  for (int i = 0; i < LOCKERS; i++) by_lock += locked_by[i], by_add += added_by[i];
  for (int i = 0; i < RECEIVERS; i++) signals += sent[i];
  if (by_lock != locked) fail("counts under a lock were lost");
  if (by_add != added) fail("atomic additions were lost");
  printf("stress: ok locked %lu turns %lu signals %lu forks %lu remaps %lu sums %lu\n", (unsigned long)locked,
         (unsigned long)turns, (unsigned long)signals, (unsigned long)forks, (unsigned long)remaps,
         (unsigned long)(sums[0] + sums[1]));
  return 0;
}
