// Init of a guest: watches eight bytes of a child by ptrace, which Linux does by program-event recording of storage alteration, and
// looks which of the child's stores stop it. gdb's hardware watchpoints are the same requests.
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

// Offsets in the user area: the PSW's address; control register 9, start and end of the range, and the address of the instruction.
#define PSW_ADDRESS 8
#define PER offsetof(struct user, regs.per_info)
#define PER_CONTROL PER
#define PER_START (PER + 32)
#define PER_END (PER + 40)
#define PER_ADDRESS (PER + 56)
#define EVENT_STORE 0x20000000

static unsigned char area[64] __attribute__((aligned(64)));
static unsigned char source[16] = "abcdefghijklmno";
#define WATCHED (area + 32)

// In front of each store is a label; those with a w are of stores into the watched bytes.
extern char w1[], w2[], w3[], w4[], w5[], w6[], w7[], stores_end[];
static char *const all[] = { w1, w2, w3, w4, w5, w6, w7 };
static char *const of_first[] = { w1, w2, w3, w5, w7 };

static void stores(void)
{
	asm volatile(
		"	lgr	%%r6,%0\n"
		"	lgr	%%r7,%1\n"
		"	lghi	%%r2,5\n"
		"	lghi	%%r3,6\n"
		"	.globl	w1,w2,w3,w4,w5,w6,w7,stores_end\n"
		"w1:	stg	%%r2,0(%%r6)\n"
		"	stg	%%r2,8(%%r6)\n"
		"	lg	%%r1,0(%%r6)\n"
		"w2:	mvc	0(8,%%r6),0(%%r7)\n"
		"	aghi	%%r6,-8\n"
		"w3:	stmg	%%r2,%%r3,0(%%r6)\n"
		"	aghi	%%r6,8\n"
		"w4:	xc	4(1,%%r6),4(%%r6)\n"
		"	lg	%%r1,0(%%r6)\n"
		"w5:	csg	%%r1,%%r2,0(%%r6)\n"
		"w6:	mvi	7(%%r6),9\n"
		"	mvi	8(%%r6),9\n"
		"w7:	exrl	%%r2,1f\n"
		"	j	2f\n"
		"1:	mvc	0(1,%%r6),0(%%r7)\n"
		"2:\n"
		"stores_end:\n"
		: : "a"(WATCHED), "a"(source) : "r1", "r2", "r3", "r6", "r7", "cc", "memory");
}

static int child(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	stores();
	// A system call that writes there is no store of the program's.
	int fds[2];
	if (pipe(fds) != 0 || write(fds[1], source, 8) != 8 || read(fds[0], WATCHED, 8) != 8) return 2;
	return memcmp(WATCHED, source, 8) == 0 && WATCHED[8] == 9 ? 7 : 1;
}

static void watch(const char *name, unsigned long start, unsigned long end, int stops, char *const *expected)
{
	int status, seen = 0, wrong = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(child());
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (WSTOPSIG(status) == SIGSTOP) {
			ptrace(PTRACE_POKEUSER, pid, (void *)PER_START, (void *)start);
			ptrace(PTRACE_POKEUSER, pid, (void *)PER_END, (void *)end);
			ptrace(PTRACE_POKEUSER, pid, (void *)PER_CONTROL, (void *)(start ? EVENT_STORE : 0L));
		} else if (WSTOPSIG(status) == SIGTRAP) {
			unsigned long at = ptrace(PTRACE_PEEKUSER, pid, (void *)PER_ADDRESS, 0);
			unsigned long next = ptrace(PTRACE_PEEKUSER, pid, (void *)PSW_ADDRESS, 0);

			if (seen >= stops || at != (unsigned long)expected[seen] || next <= at || next > at + 6)
				wrong++;
			seen++;
		}
		ptrace(PTRACE_CONT, pid, 0, 0);
	}
	int good = seen == stops && wrong == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 7;
	printf("watch-data: %s %s stops=%d of %d, wrong=%d status=%x\n", good ? "ok" : "FAILED", name, seen, stops, wrong, status);
}

int main(void)
{
	unsigned long at = (unsigned long)WATCHED;

	watch("eight bytes", at, at + 7, 7, all);
	watch("the first byte", at, at, 5, of_first);
	watch("nothing", 0, 0, 0, 0);
	printf("watch-data: end\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
}
