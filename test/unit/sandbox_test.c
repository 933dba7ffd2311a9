/*
 * sandbox_test.c
 *	  Tests of src/saml/xml/sandbox.c, as TAP: what a process in it may not do
 *	  ends it, and what it must do works.
 *
 * Built without sanitizers: they need more memory and calls than are left.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "saml/xml/sandbox.h"
#include "sandboxed.h"
#include "tap.h"

static int
open_file(void)
{
	return open("/dev/null", O_RDONLY);
}

static int
open_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int
start_process(void)
{
	return fork();
}

static int
map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int
write_elsewhere(void)
{
	return (int) write(2, "", 0);
}

static int
kill_parent(void)
{
	return kill(getppid(), 0);
}

static int
use_memory(void)
{
	char	   *volatile p = malloc(1024 * 1024);

	p[0] = 1;
	free(p);
	return 0;
}

/* More than its share: refused by malloc, and the process lives on. */
static int
use_too_much_memory(void)
{
	void	   *volatile p = malloc(512UL * 1024 * 1024);

	return p != NULL;
}

static long tried;

static int
call_tried(void)
{
	return (int) syscall(tried, -1L, 0L, 0L, 0L, 0L, 0L);
}

static void
enter(void)
{
	if (sandbox_enter() < 0)
		_exit(99);
}

/* Every number but those of sandbox.c. */
static bool
no_other_call_works(void)
{
	static const long allowed[] = {
		SYS_read, SYS_write, SYS_mmap, SYS_brk, SYS_munmap, SYS_mremap, SYS_futex, SYS_getrandom, SYS_clock_gettime,
		SYS_getpid, SYS_exit_group,
#ifdef __x86_64__
		/* uretprobe and uprobe: the kernel lets them pass any filter, and they do nothing */
		335, 336,
#endif
	};
	bool		good = true;

	for (tried = 0; tried < 512; tried++)
	{
		bool		skip = false;

		for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
			skip = skip || tried == allowed[i];
		if (skip || is_ended(call_tried))
			continue;
		printf("# system call %ld works\n", tried);
		good = false;
	}
	return good;
}

int
main(void)
{
	ok(works(use_memory), "memory may be used");
	ok(works(use_too_much_memory), "too much of it is not given");
	ok(is_ended(open_file), "opening a file ends the process");
	ok(is_ended(open_socket), "so does opening a socket");
	ok(is_ended(start_process), "starting a process");
	ok(is_ended(run_program), "running a program");
	ok(is_ended(map_code), "memory to be executed");
	ok(is_ended(write_elsewhere), "writing anywhere but to standard output");
	ok(is_ended(kill_parent), "signals");
	ok(no_other_call_works(), "and any other system call");
	return tap_end();
}
