/* What a program needs of its machine; each architecture's folder has it. */
#ifndef MACHINE_H
#define MACHINE_H

#include "bench.h"

/* Text to the console. */
void machine_put(const char *text);

/* Ends the machine with status 0. */
__attribute__((noreturn)) void machine_end(void);

/* A clock that never stands still. */
u64 machine_ticks(void);

/* Instructions executed so far; 0 where nothing counts them. */
u64 machine_instructions(void);

/* With BENCH_PACED: gets ready for, and waits for, a byte from the console. */
void machine_receive_setup(void);
u8 machine_receive(void);

#endif
