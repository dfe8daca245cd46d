/* What the parts of the guest share. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef int s32;
typedef long s64;

#define PAGE 4096UL

/* What the test asks for. */
struct parameters {
  u64 seed;
  /* Calls that processes make and the kernel checks, in all. */
  u64 calls;
  /* From one timer interrupt to the next, in ticks of 100 ns: at least, at most. */
  u32 shortest, longest;
  u32 harts;
  /* ASIDS_NONE: every space has ASID 0. LEVELS: levels of page tables, 3 to 5. */
  u32 flags;
};
#define ASIDS_NONE 1
#define LEVELS(flags) (3 + ((flags) >> 1 & 3))
extern struct parameters parameters;

/* Random numbers. */
u64 mix(u64 x);
u64 random64(void);
u32 below(u32 n);
#define one_in(n) (below(n) == 0)

/* Libraries: code that is the same in all spaces but for constants, which differ with the version of a page. */
#define LIBRARIES 4
#define CODE_PAGES 4
#define FUNCTIONS 10
#define GOT_SLOTS 12
/* Code, and the page of addresses of other libraries' functions. */
#define LIBRARY_PAGES (CODE_PAGES + 1)

struct function {
  u32 start, end;
  /* Calls functions of lower levels only. */
  u8 level;
  /* Touches nothing but registers and its library's code. */
  u8 is_pure;
  u16 first_op, ops;
};
extern struct function functions[LIBRARIES][FUNCTIONS];
struct import {
  u8 library, function;
};
extern struct import imports[LIBRARIES][GOT_SLOTS];

/* Where libraries are in a space, and the seeds of their pages' versions. */
struct loaded {
  u64 base[LIBRARIES];
  u64 seed[LIBRARIES][CODE_PAGES];
};
struct result {
  u64 a0, a1;
};
void make_libraries(void);
/* The bytes of a page of a library's code. */
void write_code(u16 *page, int library, int index, u64 seed);
/* What a function gives. */
struct result expected(const struct loaded *at, int library, int function, u64 argument);

__attribute__((noreturn)) void panic(const char *text, u64 a, u64 b);
