/*
 * A small operating system that does to an emulator's translations of addresses and of code what Linux does with programs that are
 * linked dynamically, much more often: processes in spaces of their own, forked and replaced all the time, with libraries at random
 * addresses whose pages are shared between them or not; pages that come when they are touched, go away, move, are copied on write,
 * and come back as something else. What processes compute is known (library.c), and checked.
 */
#include "kernel.h"

#define KERNEL 0xffffffc000000000UL
#define RAM 0x80000000UL
#define DEVICES 0xffffffd000000000UL
#define MODULES 0xffffffc800000000UL
#define UART (DEVICES + 0x10000000)
#define POWER (DEVICES + 0x100000)
#define MSIP (DEVICES + 0x2000000)

#define V 1UL
#define R 2UL
#define W 4UL
#define X 8UL
#define U 16UL
#define G 32UL
#define A 64UL
#define D 128UL
#define COPY 256UL /* of the software's bits: writable once it is copied */

#define SIE 2UL
#define SPIE 0x20UL
#define SPP 0x100UL
#define FS 0x6000UL
#define FS_INITIAL 0x2000UL
#define FS_CLEAN 0x4000UL
#define SUM 0x40000UL

#define csr_read(name) ({ u64 v_; __asm__ volatile("csrr %0, " #name : "=r"(v_)::"memory"); v_; })
#define csr_write(name, v) __asm__ volatile("csrw " #name ", %0" ::"r"(v) : "memory")
#define csr_set(name, v) __asm__ volatile("csrs " #name ", %0" ::"r"(v) : "memory")
#define csr_clear(name, v) __asm__ volatile("csrc " #name ", %0" ::"r"(v) : "memory")

struct frame {
  u64 x[32]; /* x[0]: pc */
  u64 status, cause, value, reservation;
  u64 f[32];
};

struct process;
struct hart {
  u64 stack, word;
  struct frame *frame;
  u64 id;
  struct process *process;
  u64 fences; /* fence.i that it has made, of `fences` */
  u64 in_kernel_program; /* a function of a library runs in the kernel */
  u64 unused[9];
};
struct hart harts[8];

#define SPACES 14
#define PROCESSES 20
#define LEAST_PROCESSES 8
#define THREADS 3
#define THREAD_PAGES 3 /* stack, two pages of data */
#define PROGRAM_PAGES 2
#define FIXED 2 /* libraries that are at one address in all spaces */

struct space {
  u64 root;
  int asid, users;
  struct loaded loaded;
  u8 version[LIBRARIES][CODE_PAGES];
  u64 program;
  u64 thread[THREADS];
};

enum { NONE, READY, RUNNING };
struct process {
  struct frame frame;
  struct space *space;
  int state, thread;
  /* The call it is to make. */
  int library, function;
  u64 argument;
  u64 pattern;
};

/* A version of a page of a library, as a page cache has it. */
struct version {
  u64 page, seed;
  int users;
};

static struct space spaces[SPACES];
static struct process processes[PROCESSES];
#define VERSIONS 5
static struct version versions[LIBRARIES][CODE_PAGES][VERSIONS];
static u64 program_page[PROGRAM_PAGES];
static int levels;
/* Where there are more than three levels: what the last entry of every root leads to. */
static u64 kernel_part;
static u64 zero_page, kernel_root, ram_table, module_table, module_leaves;
static u64 fences;
static u64 calls_left;
static struct {
  u64 faults, copies, switches, timers, forks, replaced, unmapped, moved, rewritten, modules, spurious;
} counts;
static u64 trace;

extern u8 program[], program_end[], end[];
extern void save_floats(struct frame *f), restore_floats(struct frame *f);
__attribute__((noreturn)) extern void to_user(struct frame *f);

static struct hart *hart(void) {
  struct hart *h;
  __asm__("mv %0, tp" : "=r"(h));
  return h;
}

/* ---- random numbers, text ---- */

static u64 random_state;
u64 random64(void) { return mix(random_state += 0x9e3779b97f4a7c15UL); }
u32 below(u32 n) { return (random64() >> 32) * n >> 32; }

void *memset(void *at, int c, u64 n) {
  u8 *p = at;
  while (n-- > 0) *p++ = c;
  return at;
}
void *memcpy(void *to, const void *from, u64 n) {
  u8 *t = to;
  const u8 *f = from;
  while (n-- > 0) *t++ = *f++;
  return to;
}

static void print(const char *s) {
  while (*s != 0) *(volatile u8 *)UART = *s++;
}
static void number(const char *name, u64 n, int base) {
  char text[24];
  int i = 24;
  text[--i] = 0;
  do text[--i] = "0123456789abcdef"[n % base];
  while ((n /= base) != 0);
  print(" ");
  print(name);
  print("=");
  print(text + i);
}
static void hex(const char *name, u64 n) { number(name, n, 16); }

__attribute__((noreturn)) static void finish(u32 how) {
  for (;;) *(volatile u32 *)POWER = how;
}

__attribute__((noreturn)) void panic(const char *text, u64 a, u64 b) {
  csr_clear(sstatus, SIE);
  print("\nFAILED: ");
  print(text);
  hex("a", a);
  hex("b", b);
  hex("hart", hart()->id);
  hex("satp", csr_read(satp));
  number("left", calls_left, 10);
  const struct process *p = hart()->process;
  if (p != 0) {
    print("\n");
    number("process", p - processes, 10);
    number("space", p->space - spaces, 10);
    number("asid", p->space->asid, 10);
    number("thread", p->thread, 10);
    number("library", p->library, 10);
    number("function", p->function, 10);
    hex("start", functions[p->library][p->function].start);
    hex("argument", p->argument);
    hex("cause", p->frame.cause);
    hex("value", p->frame.value);
    hex("status", p->frame.status);
    print("\n");
    hex("program", p->space->program);
    for (int l = 0; l < LIBRARIES; l++) {
      hex("library", p->space->loaded.base[l]);
      for (int i = 0; i < CODE_PAGES; i++) hex("page", versions[l][i][p->space->version[l][i]].page);
    }
    print("\n");
    for (int n = 0; n < 32; n++) {
      char name[4] = {'x', n < 10 ? '0' + n : '0' + n / 10, n < 10 ? 0 : '0' + n % 10, 0};
      hex(n == 0 ? "pc" : name, p->frame.x[n]);
    }
  }
  print("\n");
  finish(0x13333);
}

/* ---- pages ---- */

#define POOL 640
static u64 pool;
static u16 references[POOL];
static u16 free_pages[POOL];
static u32 free_count;

static void *kernel_address(u64 page) { return (void *)(page - RAM + KERNEL); }
static u32 page_index(u64 page) { return (page - pool) / PAGE; }

static u64 allocate(void) {
  if (free_count == 0) panic("no page is free", 0, 0);
  /* What was freed last, mostly. */
  u32 n = one_in(3) ? below(free_count) : free_count - 1;
  u16 found = free_pages[n];
  free_pages[n] = free_pages[--free_count];
  references[found] = 1;
  return pool + found * PAGE;
}

static void take(u64 page) { references[page_index(page)]++; }

static void drop(u64 page) {
  u32 n = page_index(page);
  if (references[n] == 0) panic("a page is freed twice", page, 0);
  if (--references[n] > 0) return;
  u64 *words = kernel_address(page);
  switch (below(4)) {
  case 0:
    for (u32 i = 0; i < PAGE / 8; i++) words[i] = 0;
    break;
  case 1:
    for (u32 i = 0; i < PAGE / 8; i++) words[i] = 0xdead0000dead0000UL;
    break;
  case 2:
    words[below(PAGE / 8)] = 0;
    break;
  }
  free_pages[free_count++] = n;
}

static u64 zeroed(void) {
  u64 page = allocate();
  u64 *words = kernel_address(page);
  for (u32 i = 0; i < PAGE / 8; i++) words[i] = 0;
  return page;
}

/* ---- several harts ---- */

static u32 lock;
static struct {
  u32 pending[8];
  int how;
  u64 address, asid;
} shot;

/* Forms of sfence.vma, and fence.i. */
enum { PAGE_ALL, PAGE_ASID, ALL_ASID, ALL_ALL, FORMS, CODE = FORMS };

static void fence_vma(int how, u64 address, u64 asid) {
  switch (how) {
  case PAGE_ALL: __asm__ volatile("sfence.vma %0, x0" ::"r"(address) : "memory"); break;
  case PAGE_ASID: __asm__ volatile("sfence.vma %0, %1" ::"r"(address), "r"(asid) : "memory"); break;
  case ALL_ASID: __asm__ volatile("sfence.vma x0, %0" ::"r"(asid) : "memory"); break;
  case ALL_ALL: __asm__ volatile("sfence.vma" ::: "memory"); break;
  default: __asm__ volatile("fence.i" ::: "memory");
  }
}

static void heed(void) {
  __asm__ volatile(".4byte 0x0100000f"); /* pause */
  u32 *own = &shot.pending[hart()->id];
  if (__atomic_load_n(own, __ATOMIC_ACQUIRE) == 0) return;
  fence_vma(shot.how, shot.address, shot.asid);
  __atomic_store_n(own, 0, __ATOMIC_RELEASE);
}

static void enter_lock(void) {
  while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE) != 0) heed();
}
static void leave_lock(void) { __atomic_store_n(&lock, 0, __ATOMIC_RELEASE); }

/* Forgets translations here and on the other harts, which are interrupted for it. */
static void flush(int how, u64 address, u64 asid) {
  fence_vma(how, address, asid);
  if (parameters.harts == 1) return;
  shot.how = how;
  shot.address = address;
  shot.asid = asid;
  for (u32 h = 0; h < parameters.harts; h++) {
    if (h == hart()->id) continue;
    __atomic_store_n(&shot.pending[h], 1, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *(volatile u32 *)(MSIP + 4 * h) = 1;
  }
  for (u32 h = 0; h < parameters.harts; h++)
    while (__atomic_load_n(&shot.pending[h], __ATOMIC_ACQUIRE) != 0) heed();
}

static void flush_page(const struct space *s, u64 address) { flush(below(FORMS), (address & -PAGE) + below(PAGE), s->asid); }

/* ---- page tables ---- */

static u64 entry_of(u64 page, u64 flags) { return page / PAGE << 10 | flags; }
static u64 page_of(u64 entry) { return entry >> 10 << 12; }

/* The entry of an address; tables are made where there are none. */
static u64 *leaf_of(u64 root, u64 address, int make) {
  u64 *table = kernel_address(root);
  for (int shift = 12 + 9 * (levels - 1); shift > 12; shift -= 9) {
    u64 *e = &table[address >> shift & 511];
    if (*e == 0) {
      if (!make) return 0;
      *e = entry_of(zeroed(), V);
    }
    table = kernel_address(page_of(*e));
  }
  return &table[address >> 12 & 511];
}

static void free_tables(u64 table, int level, int first, int last) {
  u64 *entries = kernel_address(table);
  for (int i = first; i < last; i++) {
    if (entries[i] == 0) continue;
    if (level > 0) free_tables(page_of(entries[i]), level - 1, 0, 512);
    else drop(page_of(entries[i]));
  }
  drop(table);
}

/* A table of the third level with the kernel's gigabytes. */
static u64 kernel_gigabytes(void) {
  u64 table = zeroed();
  u64 *entries = kernel_address(table);
  entries[KERNEL >> 30 & 511] = entry_of(ram_table, V);
  entries[MODULES >> 30 & 511] = entry_of(module_table, V);
  entries[DEVICES >> 30 & 511] = entry_of(0, V | R | W | G | A | D);
  return table;
}

static u64 new_root(void) {
  if (levels == 3) return kernel_gigabytes();
  u64 root = zeroed();
  ((u64 *)kernel_address(root))[511] = entry_of(kernel_part, V);
  return root;
}

static void use_root(u64 root, int asid) {
  u64 satp = (u64)(levels + 5) << 60 | (u64)asid << 44 | root / PAGE;
  if (csr_read(satp) == satp) return;
  csr_write(satp, satp);
  if (asid == 0) fence_vma(one_in(2) ? ALL_ASID : ALL_ALL, 0, 0);
}

/* ---- versions of pages of libraries ---- */

static u64 cached(int library, int index, int which) {
  struct version *v = &versions[library][index][which];
  if (v->page == 0) {
    v->page = allocate();
    write_code(kernel_address(v->page), library, index, v->seed);
    fences++;
  }
  return v->page;
}

/* A page that no space has any more is another one, in the same place or elsewhere. */
static void renew(int library, int index, int which) {
  struct version *v = &versions[library][index][which];
  v->seed = random64();
  if (v->page == 0) return;
  if (references[page_index(v->page)] != 1) panic("a page that nobody has is mapped", v->page, 0);
  counts.rewritten++;
  if (one_in(2)) {
    write_code(kernel_address(v->page), library, index, v->seed);
    fences++;
  } else {
    drop(v->page);
    v->page = 0;
  }
}

/* ---- spaces ---- */

static struct space *any_space(void) {
  for (u32 n = below(SPACES), tries = 0; tries < SPACES; tries++, n = (n + 1) % SPACES)
    if (spaces[n].users > 0) return &spaces[n];
  return 0;
}

/* Somewhere that is free. Often where other spaces have something, too. */
static u64 find_room(const struct space *s, int pages) {
  for (;;) {
    u64 at;
    switch (below(3)) {
    case 0: at = 0x10000 + below(8) * 0x8000UL; break;
    case 1: at = 0x2aaaaa0000UL + below(512) * PAGE; break;
    default: at = (levels == 3 ? 0x3f00000000UL : 0x7fff00000000UL + (below(2) - 1UL) * 0x100000000UL) + below(1 << 18) * PAGE;
    }
    u64 last = at + pages * PAGE;
    int is_free = 1;
    for (int l = 0; l < LIBRARIES; l++) {
      u64 b = s->loaded.base[l];
      if (b != 0 && at < b + LIBRARY_PAGES * PAGE && b < last) is_free = 0;
    }
    if (s->program != 0 && at < s->program + PROGRAM_PAGES * PAGE && s->program < last) is_free = 0;
    for (int t = 0; t < THREADS; t++) {
      u64 b = s->thread[t];
      if (b != 0 && at < b + THREAD_PAGES * PAGE && b < last) is_free = 0;
    }
    if (is_free) return at;
  }
}

/*
 * The first libraries are at one address in all spaces, as those of programs that are not relocated; the code of others is met at many.
 * Half of the time all is where another space has it, but not the same.
 */
static void lay_out(struct space *s, const struct space *like) {
  if (like == s || one_in(2)) like = 0;
  for (int l = 0; l < LIBRARIES; l++) {
    s->loaded.base[l] = l < FIXED ? 0x60000000UL + l * 0x7000UL
                        : like != 0 ? like->loaded.base[l] : find_room(s, LIBRARY_PAGES);
    for (int i = 0; i < CODE_PAGES; i++) {
      int which = below(VERSIONS);
      s->version[l][i] = which;
      versions[l][i][which].users++;
      s->loaded.seed[l][i] = versions[l][i][which].seed;
    }
  }
  s->program = like != 0 ? like->program : find_room(s, PROGRAM_PAGES);
  for (int t = 0; t < THREADS; t++) s->thread[t] = like != 0 ? like->thread[t] : find_room(s, THREAD_PAGES);
}

static struct space *new_space(void) {
  struct space *s = spaces;
  while (s->users > 0) if (++s == spaces + SPACES) return 0;
  memset(s, 0, sizeof *s);
  s->users = 1;
  s->root = new_root();
  s->asid = (parameters.flags & ASIDS_NONE) || (s - spaces) % 4 == 3 ? 0 : s - spaces + 1;
  return s;
}

static void leave_space(struct space *s) {
  if (--s->users > 0) return;
  for (int l = 0; l < LIBRARIES; l++) {
    for (int i = 0; i < CODE_PAGES; i++) versions[l][i][s->version[l][i]].users--;
  }
  free_tables(s->root, levels - 1, 0, 256);
  /* Its ASID will be another's. */
  flush(one_in(2) ? ALL_ASID : ALL_ALL, 0, s->asid);
  for (int l = 0; l < LIBRARIES; l++) {
    for (int i = 0; i < CODE_PAGES; i++) {
      int which = s->version[l][i];
      if (versions[l][i][which].users == 0 && one_in(2)) renew(l, i, which);
    }
  }
}

/* What an address is in a space: its page with one more reference, and its rights; 0 where there is nothing. */
static u64 find_page(const struct space *s, u64 address, u64 need, u64 *flags) {
  u64 at = address & -PAGE;
  for (int l = 0; l < LIBRARIES; l++) {
    u64 n = (at - s->loaded.base[l]) / PAGE;
    if (n < CODE_PAGES) {
      u64 page = cached(l, n, s->version[l][n]);
      *flags = R | X;
      take(page);
      return page;
    }
    if (n == CODE_PAGES) {
      u64 page = zeroed();
      u64 *got = kernel_address(page);
      for (int i = 0; i < GOT_SLOTS; i++) {
        struct import import = imports[l][i];
        got[i] = s->loaded.base[import.library] + functions[import.library][import.function].start;
      }
      *flags = R | W;
      return page;
    }
  }
  u64 n = (at - s->program) / PAGE;
  if (n < PROGRAM_PAGES) {
    *flags = R | X;
    take(program_page[n]);
    return program_page[n];
  }
  for (int t = 0; t < THREADS; t++) {
    if ((at - s->thread[t]) / PAGE >= THREAD_PAGES) continue;
    if (need == R && !one_in(4)) {
      /* All that was never written is one page. */
      *flags = R | COPY;
      take(zero_page);
      return zero_page;
    }
    *flags = R | W;
    return zeroed();
  }
  return 0;
}

/* Deals with a page fault. @param need R, W or X */
static int fault(const struct space *s, u64 address, u64 need) {
  if (address >> 47 != 0) return 0;
  u64 *e = leaf_of(s->root, address, 1);
  counts.faults++;
  if (*e == 0) {
    u64 flags;
    u64 page = find_page(s, address, need, &flags);
    if (page == 0) return 0;
    /* Other threads may execute there without a trap, and so without a look at `fences`. */
    if ((flags & X) && s->users > 1) flush(CODE, 0, 0);
    *e = entry_of(page, flags | V | U | (one_in(2) ? A | D : 0));
    /* Where nothing was, a fault that comes nevertheless is met again. */
    if (one_in(2)) fence_vma(below(FORMS), address, s->asid);
    return 1;
  }
  if (need == W && (*e & COPY)) {
    u64 old = page_of(*e);
    counts.copies++;
    if (references[page_index(old)] == 1) *e = (*e & ~COPY) | W | A | D;
    else {
      u64 page = allocate();
      u64 *to = kernel_address(page);
      const u64 *from = kernel_address(old);
      for (u32 i = 0; i < PAGE / 8; i++) to[i] = from[i];
      *e = entry_of(page, (*e & 0x3ff & ~COPY) | W | A | D);
      flush_page(s, address);
      drop(old);
      return 1;
    }
  } else if ((*e & need) == 0) return 0;
  else if ((*e & A) == 0 || (need == W && (*e & D) == 0)) *e |= A | (need == W ? D : 0);
  else counts.spurious++;
  fence_vma(below(FORMS), address, s->asid);
  return 1;
}

/* ---- what is done to spaces ---- */

/* Takes a page of code out of a space, whose page cache keeps it. */
static void unmap_code(struct space *s, u64 address) {
  u64 *e = leaf_of(s->root, address, 0);
  if (e == 0 || *e == 0) return;
  u64 page = page_of(*e);
  *e = 0;
  flush_page(s, address);
  drop(page);
  counts.unmapped++;
}

static void unmap_something(struct space *s) {
  u32 n = below(LIBRARIES * CODE_PAGES + PROGRAM_PAGES);
  if (n < LIBRARIES * CODE_PAGES) unmap_code(s, s->loaded.base[n / CODE_PAGES] + n % CODE_PAGES * PAGE);
  else unmap_code(s, s->program + (n - LIBRARIES * CODE_PAGES) * PAGE);
}

/* A page of the page cache lies elsewhere from now on. */
static void move_something(void) {
  int l = below(LIBRARIES), i = below(CODE_PAGES), which = below(VERSIONS);
  struct version *v = &versions[l][i][which];
  if (v->page == 0) return;
  u64 old = v->page;
  int is_kept = one_in(2);
  u64 page = allocate();
  u64 *to = kernel_address(page);
  const u64 *from = kernel_address(old);
  for (u32 n = 0; n < PAGE / 8; n++) to[n] = from[n];
  fences++;
  v->page = page;
  for (struct space *s = spaces; s < spaces + SPACES; s++) {
    if (s->users == 0 || s->version[l][i] != which) continue;
    u64 address = s->loaded.base[l] + i * PAGE;
    u64 *e = leaf_of(s->root, address, 0);
    if (e == 0 || *e == 0) continue;
    *e = is_kept ? entry_of(page, *e & 0x3ff) : 0;
    if (is_kept) take(page);
    flush_page(s, address);
    drop(old);
  }
  drop(old);
  counts.moved++;
}

/* A function of a library in the kernel, somewhere in the area of modules that each hart has a part of. */
static void run_module(void) {
  int l = FIXED + below(LIBRARIES - FIXED), f = below(FUNCTIONS);
  if (!functions[l][f].is_pure) return;
  counts.modules++;
  u64 *leaves = kernel_address(module_leaves);
  u32 first = hart()->id * 64 + below(64 - CODE_PAGES);
  struct loaded at;
  at.base[l] = MODULES + first * PAGE;
  u8 which[CODE_PAGES];
  for (int i = 0; i < CODE_PAGES; i++) {
    which[i] = below(VERSIONS);
    at.seed[l][i] = versions[l][i][which[i]].seed;
    leaves[first + i] = entry_of(cached(l, i, which[i]), V | R | X | G | A | D);
    fence_vma(PAGE_ALL, at.base[l] + i * PAGE, 0);
  }
  __asm__ volatile("fence.i" ::: "memory");
  u64 argument = random64();
  struct result want = expected(&at, l, f, argument);
  struct result (*call)(u64, u64) = (struct result(*)(u64, u64))(at.base[l] + functions[l][f].start);
  hart()->in_kernel_program = 1;
  csr_set(sstatus, SIE);
  for (u32 n = 1 + below(one_in(8) ? 200 : 8); n > 0; n--) {
    struct result got = call(argument, 0);
    if (got.a0 != want.a0 || got.a1 != want.a1) panic("a function in the kernel", got.a0, want.a0);
  }
  csr_clear(sstatus, SIE);
  hart()->in_kernel_program = 0;
  for (int i = 0; i < CODE_PAGES; i++) leaves[first + i] = 0;
  if (one_in(2)) fence_vma(ALL_ALL, 0, 0);
  else for (int i = 0; i < CODE_PAGES; i++) fence_vma(PAGE_ALL, at.base[l] + i * PAGE, 0);
}

/* ---- processes ---- */

static void begin(struct process *p, u64 pattern) {
  struct frame *f = &p->frame;
  memset(f, 0, sizeof *f);
  p->pattern = pattern;
  for (int n = 1; n < 32; n++) f->x[n] = pattern + n;
  f->x[4] = p->space->thread[p->thread] + 2 * PAGE;
  f->x[2] = p->space->thread[p->thread] + PAGE;
  f->x[0] = p->space->program + PAGE - 32;
  f->status = SPIE;
  p->library = -1;
  p->state = READY;
}

static struct process *free_process(void) {
  for (struct process *p = processes; p < processes + PROCESSES; p++) if (p->state == NONE) return p;
  return 0;
}

static int threads_of(const struct space *s) {
  int used = 0;
  for (const struct process *p = processes; p < processes + PROCESSES; p++)
    if (p->state != NONE && p->space == s) used |= 1 << p->thread;
  return used;
}

/* Private pages are shared from now on, until somebody writes. */
static void share(struct space *from, struct space *to, u64 address) {
  u64 *e = leaf_of(from->root, address, 0);
  if (e == 0 || *e == 0) return;
  if (*e & W) *e = (*e & ~W) | COPY;
  take(page_of(*e));
  *leaf_of(to->root, address, 1) = *e;
}

static void fork(struct process *p) {
  struct process *child = free_process();
  if (child == 0) return;
  struct space *from = p->space;
  int used = threads_of(from);
  if (one_in(3) && used != (1 << THREADS) - 1) {
    int t = 0;
    while (used >> t & 1) t++;
    child->space = from;
    child->thread = t;
    from->users++;
    begin(child, random64());
    return;
  }
  struct space *to = new_space();
  if (to == 0) return;
  counts.forks++;
  to->loaded = from->loaded;
  to->program = from->program;
  for (int t = 0; t < THREADS; t++) to->thread[t] = from->thread[t];
  for (int l = 0; l < LIBRARIES; l++) {
    for (int i = 0; i < CODE_PAGES; i++) {
      to->version[l][i] = from->version[l][i];
      versions[l][i][to->version[l][i]].users++;
    }
    share(from, to, from->loaded.base[l] + CODE_PAGES * PAGE);
  }
  for (int t = 0; t < THREADS; t++)
    for (int i = 0; i < THREAD_PAGES; i++) share(from, to, from->thread[t] + i * PAGE);
  flush(one_in(2) ? ALL_ASID : ALL_ALL, 0, from->asid);
  *child = *p;
  child->space = to;
  child->state = READY;
}

/* Ends a process, or has it begin another program in another space. */
static void replace(struct process *p) {
  if (hart()->process == p) use_root(kernel_root, 0);
  if (p->space != 0) leave_space(p->space);
  int others = 0;
  for (const struct process *q = processes; q < processes + PROCESSES; q++) others += q != p && q->state != NONE;
  p->space = others > LEAST_PROCESSES && one_in(2) ? 0 : new_space();
  if (p->space == 0) {
    p->state = NONE;
    return;
  }
  lay_out(p->space, any_space());
  p->thread = below(THREADS);
  begin(p, random64());
  counts.replaced++;
}

static void check_patterns(const struct process *p) {
  /* What functions of libraries leave alone: gp, s3, s6 to s11. */
  static const u8 KEPT[] = {3, 19, 22, 23, 24, 25, 26, 27};
  for (u32 i = 0; i < sizeof KEPT; i++)
    if (p->frame.x[KEPT[i]] != p->pattern + KEPT[i]) panic("a register", KEPT[i], p->frame.x[KEPT[i]]);
  if (p->frame.x[4] != p->space->thread[p->thread] + 2 * PAGE) panic("tp", p->frame.x[4], 0);
  if (p->frame.x[2] != p->space->thread[p->thread] + PAGE) panic("sp", p->frame.x[2], 0);
}

/* Reads a doubleword of the process, whose page may be missing. */
static u64 read_user(u64 address) {
  u64 value;
  csr_set(sstatus, SUM);
  __asm__ volatile("ld %0, 0(%1)" : "=r"(value) : "r"(address) : "memory");
  csr_clear(sstatus, SUM);
  return value;
}

static void write_user(u64 address, u64 value) {
  csr_set(sstatus, SUM);
  __asm__ volatile("sd %0, 0(%1)" ::"r"(value), "r"(address) : "memory");
  csr_clear(sstatus, SUM);
}

static void next_call(struct process *p) {
  p->library = below(LIBRARIES);
  p->function = below(FUNCTIONS);
  p->argument = random64();
  struct frame *f = &p->frame;
  f->x[10] = p->space->loaded.base[p->library] + functions[p->library][p->function].start;
  write_user(f->x[4] + 8, p->argument);
  f->x[12] = one_in(16) ? 600 : 1 + below(48);
}

/* The process has answered. */
static void answer(struct process *p) {
  struct frame *f = &p->frame;
  check_patterns(p);
  if (p->library >= 0) {
    if (f->x[17] == 1) panic("not the same twice", f->x[10], f->x[12]);
    u64 seen = read_user(f->x[4]);
    csr_set(sstatus, SIE);
    struct result want = expected(&p->space->loaded, p->library, p->function, p->argument);
    csr_clear(sstatus, SIE);
    if (f->x[10] != want.a0) panic("a0", f->x[10], want.a0);
    if (f->x[11] != want.a1) panic("a1", f->x[11], want.a1);
    if (seen != want.a0) panic("what the process stored", seen, want.a0);
    trace = mix(trace ^ want.a0 ^ want.a1);
    if (calls_left > 0) calls_left--;
  }
  next_call(p);
}

static void finish_well(void) {
  print("passed:");
  hex("trace", trace);
  number("faults", counts.faults, 10);
  number("spurious", counts.spurious, 10);
  number("copies", counts.copies, 10);
  number("switches", counts.switches, 10);
  number("timers", counts.timers, 10);
  number("forks", counts.forks, 10);
  number("replaced", counts.replaced, 10);
  number("unmapped", counts.unmapped, 10);
  number("moved", counts.moved, 10);
  number("rewritten", counts.rewritten, 10);
  number("modules", counts.modules, 10);
  print("\n");
  finish(0x5555);
}

static void set_timer(u64 more) {
  u64 ticks = parameters.shortest + below(parameters.longest - parameters.shortest + 1) + more;
  __asm__ volatile("rdtime t0; add t0, t0, %0; csrw 0x14d, t0" ::"r"(ticks) : "t0", "memory");
}

static int shuffle(void) {
  switch (below(8)) {
  case 0: case 1: unmap_something(any_space()); break;
  case 2: if (one_in(3)) move_something(); break;
  case 3: run_module(); break;
  }
  return 0;
}

static void save(struct process *p) {
  if ((p->frame.status & FS) == FS) {
    save_floats(&p->frame);
    p->frame.status = (p->frame.status & ~FS) | FS_CLEAN;
  }
}

__attribute__((noreturn)) static void resume(int needs_timer) {
  struct hart *h = hart();
  struct process *p = h->process;
  for (;;) {
    if (p != 0) break;
    u32 n = below(PROCESSES);
    for (u32 tries = 0; tries < PROCESSES && p == 0; tries++, n = (n + 1) % PROCESSES)
      if (processes[n].state == READY) p = &processes[n];
    if (p != 0) {
      p->state = RUNNING;
      h->process = p;
      counts.switches++;
      use_root(p->space->root, p->space->asid);
      if (p->frame.status & FS) restore_floats(&p->frame);
      break;
    }
    use_root(kernel_root, 0);
    leave_lock();
    for (int i = 0; i < 50; i++) heed();
    enter_lock();
  }
  if (h->fences != fences) {
    h->fences = fences;
    __asm__ volatile("fence.i" ::: "memory");
  }
  if (needs_timer) set_timer(0);
  leave_lock();
  to_user(&p->frame);
}

static void give_up(struct hart *h) {
  struct process *p = h->process;
  save(p);
  p->state = READY;
  h->process = 0;
}

__attribute__((noreturn)) void user_trap(struct frame *f) {
  struct hart *h = hart();
  struct process *p = h->process;
  int needs_timer = 0;
  enter_lock();
  heed();
  if (f != &p->frame) panic("the frame of another process", (u64)f, (u64)&p->frame);
  u64 cause = f->cause;
  if (cause >> 63) {
    if ((cause & 15) == 1) csr_clear(sip, 2);
    else if ((cause & 15) == 5) {
      counts.timers++;
      needs_timer = 1;
      trace = mix(trace ^ f->x[0]);
      if (!one_in(4)) give_up(h);
      if (one_in(3)) shuffle();
    } else panic("an interrupt", cause, 0);
    resume(needs_timer);
  }
  switch (cause) {
  case 2:
    if ((f->status & FS) != 0) panic("an illegal instruction", f->x[0], f->value);
    f->status |= FS_INITIAL;
    restore_floats(f);
    break;
  case 8:
    f->x[0] += 4;
    answer(p);
    if (calls_left == 0) finish_well();
    shuffle();
    if (one_in(24)) fork(p);
    if (one_in(40)) replace(p);
    if (p->state == NONE) h->process = 0;
    else if (p->frame.x[0] == p->space->program + PAGE - 32 || one_in(6)) give_up(h);
    break;
  case 12: if (!fault(p->space, f->value, X)) panic("a page fault of a fetch", f->x[0], f->value); break;
  case 13: if (!fault(p->space, f->value, R)) panic("a page fault of a load", f->x[0], f->value); break;
  case 15: if (!fault(p->space, f->value, W)) panic("a page fault of a store", f->x[0], f->value); break;
  default: panic("an exception", cause, f->x[0]);
  }
  resume(0);
}

void kernel_trap(struct frame *f) {
  u64 cause = f->cause;
  if (cause == (1UL << 63 | 5)) {
    set_timer(400);
    return;
  }
  if (cause == (1UL << 63 | 1)) {
    csr_clear(sip, 2);
    return;
  }
  /* Of an access to memory of the process. */
  if ((cause == 13 || cause == 15) && (f->status & SUM) &&
      fault(hart()->process->space, f->value, cause == 13 ? R : W)) return;
  print("kernel");
  hex("cause", cause);
  hex("pc", f->x[0]);
  hex("ra", f->x[1]);
  hex("value", f->value);
  panic("an exception in the kernel", cause, f->x[0]);
}

static void make_kernel(void) {
  random_state = parameters.seed * 0x2545f4914f6cdd1dUL;
  calls_left = parameters.calls;
  levels = LEVELS(parameters.flags);
  pool = (((u64)end - KERNEL + RAM) + 0x3fffff) & ~0x3fffffUL;
  for (u32 n = 0; n < POOL; n++) free_pages[n] = POOL - 1 - n;
  free_count = POOL;
  ram_table = zeroed();
  module_table = zeroed();
  module_leaves = zeroed();
  u64 *table = kernel_address(ram_table);
  for (u64 n = 0; n < 64; n++) table[n] = entry_of(RAM + n * 512 * PAGE, V | R | W | X | G | A | D);
  ((u64 *)kernel_address(module_table))[0] = entry_of(module_leaves, V);
  if (levels > 3) kernel_part = kernel_gigabytes();
  if (levels > 4) {
    u64 upper = zeroed();
    ((u64 *)kernel_address(upper))[511] = entry_of(kernel_part, V);
    kernel_part = upper;
  }
  kernel_root = new_root();
  zero_page = zeroed();
  make_libraries();
  for (int l = 0; l < LIBRARIES; l++)
    for (int i = 0; i < CODE_PAGES; i++)
      for (int n = 0; n < VERSIONS; n++) versions[l][i][n].seed = random64();
  /* The program lies on two pages. */
  for (int i = 0; i < PROGRAM_PAGES; i++) program_page[i] = zeroed();
  for (u64 n = 0; n < (u64)(program_end - program); n++) {
    u64 at = PAGE - 32 + n;
    ((u8 *)kernel_address(program_page[at / PAGE]))[at % PAGE] = program[n];
  }
  for (int n = 0; n < 8; n++) replace(&processes[n]);
}

static u32 is_made;

__attribute__((noreturn)) void kernel_main(u64 id) {
  struct hart *h = hart();
  h->id = id;
  if (id == 0) {
    make_kernel();
    __atomic_store_n(&is_made, 1, __ATOMIC_RELEASE);
  } else
    while (__atomic_load_n(&is_made, __ATOMIC_ACQUIRE) == 0);
  enter_lock();
  use_root(kernel_root, 0);
  fence_vma(ALL_ALL, 0, 0);
  csr_write(sie, 0x22UL);
  resume(1);
}
