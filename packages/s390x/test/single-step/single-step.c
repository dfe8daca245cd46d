// Init of a guest: steps through a child's program by ptrace, which Linux does by program-event recording, instruction by instruction
// and from branch to branch, and counts the stops in a stretch whose instructions are known.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PTRACE_SINGLEBLOCK
#define PTRACE_SINGLEBLOCK 12
#endif
// Offset of the PSW's address in the user area.
#define PSW_ADDRESS 8

extern char stretch_start[], stretch_end[];
static char from[8] = "stepped", to[8];

// 1 + 2 * 10 in the loop, svc, lghi, exrl, j, aghi: 26 instructions, 9 + 1 branches that are taken.
static void stretch(void)
{
	asm volatile(
		"	lgr	%%r6,%0\n"
		"	lgr	%%r7,%1\n"
		"	.globl	stretch_start\n"
		"stretch_start:\n"
		"	lghi	%%r3,10\n"
		"1:	aghi	%%r4,1\n"
		"	brctg	%%r3,1b\n"
		"	svc	20\n" // getpid
		"	lghi	%%r5,7\n"
		"	exrl	%%r5,2f\n"
		"	j	3f\n"
		"2:	mvc	0(1,%%r6),0(%%r7)\n"
		"3:	aghi	%%r4,1\n"
		"	.globl	stretch_end\n"
		"stretch_end:\n"
		: : "a"(to), "a"(from) : "r2", "r3", "r4", "r5", "r6", "r7", "cc", "memory");
}

static int child(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	stretch();
	return to[6] == 'd' ? 7 : 1;
}

static void step(const char *name, int request, int inside, int least)
{
	int status, stops = 0, all = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(child());
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		unsigned long address = ptrace(PTRACE_PEEKUSER, pid, (void *)PSW_ADDRESS, 0);

		all++;
		stops += address > (unsigned long)stretch_start && address <= (unsigned long)stretch_end;
		ptrace(request, pid, 0, 0);
	}
	int good = stops == inside && all >= least && WIFEXITED(status) && WEXITSTATUS(status) == 7;
	printf("single-step: %s %s stops=%d of %d, all=%d status=%x\n", good ? "ok" : "FAILED", name, stops, inside, all, status);
}

int main(void)
{
	step("instructions", PTRACE_SINGLESTEP, 26, 40);
	step("branches", PTRACE_SINGLEBLOCK, 10, 12);
	step("not at all", PTRACE_CONT, 0, 1);
	printf("single-step: end\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
}
