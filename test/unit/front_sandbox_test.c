/*
 * front_sandbox_test.c
 *	  Tests of kore_front/sandbox.c, as TAP: the list of a worker, put into
 *	  force in a process of its own, lets pass what is named here and ends the
 *	  process for any other system call.
 *
 * Built without sanitizers: they need more calls than are left.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../kore_front/kore_release.h"
#include "hooks.h"
#include "seccomp.h"
#include "../../kore_front/sandbox.h"
#include "sandboxed.h"
#include "tap.h"

static struct sock_filter program[4096];
static unsigned short program_len;

/* As Kore joins them: one behind the other. */
int
kore_seccomp_filter(const char *name, void *prog, size_t len)
{
	(void) name;
	memcpy(program + program_len, prog, len * sizeof(struct sock_filter));
	program_len += (unsigned short) len;
	return KORE_RESULT_OK;
}

static void
enter(void)
{
	struct sock_filter prologue[] = {KORE_BPF_LOAD(nr, 0)};
	struct sock_fprog fprog = {.filter = program};

	memcpy(program, prologue, sizeof(prologue));
	program_len = KORE_FILTER_LEN(prologue);
	kore_seccomp_hook();
	fprog.len = program_len;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog) != 0)
		_exit(99);
}

static int
start_process(void)
{
	return fork();
}

static int
trace_parent(void)
{
	return (int) ptrace(PTRACE_ATTACH, getppid(), 0, 0);
}

static int
signal_parent(void)
{
	return kill((pid_t) syscall(SYS_getpid) - 1, 0);
}

static int
signal_all(void)
{
	return kill(-1, 0);
}

static int
thread_signal_other(void)
{
	return (int) syscall(SYS_tgkill, 1, 1, 0);
}

static int
signal_itself(void)
{
	return kill(getpid(), 0);
}

static int
delete_file(void)
{
	return unlink("/nonexistent");
}

static int
rename_file(void)
{
	return rename("/nonexistent", "/nonexistent2");
}

static int
become_root(void)
{
	return setuid(0);
}

static int
listen_for_others(void)
{
	return listen(0, 1);
}

static int
open_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static int
open_vsock(void)
{
	return socket(AF_VSOCK, SOCK_STREAM, 0);
}

static int
open_key(void)
{
	return socket(AF_KEY, SOCK_RAW, 2);
}

/* Bits above those that the kernel looks at do not make it another family. */
static int
open_hidden_family(void)
{
	return (int) syscall(SYS_socket, 0x100000000L | AF_INET, SOCK_STREAM, 0);
}

static int
open_sockets(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0 || (socket(AF_INET, SOCK_STREAM, 0) < 0 && errno != EAFNOSUPPORT) ||
		(socket(AF_INET6, SOCK_STREAM, 0) < 0 && errno != EAFNOSUPPORT);
}

static int
map_writable_code(void)
{
	return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ||
		errno != EINVAL;
}

static int
make_code_of_data(void)
{
	void	   *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 || errno != EINVAL;
}

static int
ask_terminal(void)
{
	return isatty(0) || errno != EACCES;
}

static int
use_file_and_memory(void)
{
	int			fd = open("/dev/null", O_RDONLY);
	char	   *volatile p = malloc(64 * 1024 * 1024);

	if (fd < 0 || p == NULL)
		return 1;
	p = realloc(p, 128 * 1024 * 1024);
	free(p);
	return close(fd);
}

static int
abort_itself(void)
{
	abort();
}

static long tried;

/* One of them would wait for ever. */
static int
call_tried(void)
{
	(void) ualarm(50000, 0);
	return (int) syscall(tried, -1L, 0L, 0L, 0L, 0L, 0L);
}

#ifdef __x86_64__
/* Of all numbers those that do not end the process, in their order. */
static bool
only_these_pass(void)
{
	static const long allowed[] = {
		SYS_read, SYS_write, SYS_close, SYS_stat, SYS_fstat, SYS_poll, SYS_lseek, SYS_mmap, SYS_mprotect, SYS_munmap,
		SYS_brk, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_ioctl, SYS_pread64, SYS_writev, SYS_access,
		SYS_mremap, SYS_madvise, SYS_alarm, SYS_setitimer, SYS_getpid, SYS_connect, SYS_accept, SYS_sendto,
		SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_shutdown, SYS_bind, SYS_getsockname, SYS_setsockopt, SYS_getsockopt,
		SYS_uname, SYS_fcntl, SYS_gettimeofday, SYS_getuid, SYS_getgid, SYS_geteuid, SYS_getegid, SYS_rt_sigpending,
		SYS_rt_sigtimedwait, SYS_gettid, SYS_time, SYS_futex, SYS_clock_gettime, SYS_exit_group, SYS_epoll_wait,
		SYS_epoll_ctl, SYS_openat, SYS_newfstatat, SYS_faccessat, SYS_ppoll, SYS_epoll_pwait, SYS_sendmmsg,
		SYS_getrandom,
		/* uretprobe and uprobe: the kernel lets them pass any filter, and they do nothing */
		335, 336,
	};
	bool		good = true;

	for (tried = 0; tried < 512; tried++)
	{
		bool		expected = false;

		for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
			expected = expected || tried == allowed[i];
		if (expected == !is_ended(call_tried))
			continue;
		printf("# system call %ld %s\n", tried, expected ? "ends the process" : "works");
		good = false;
	}
	return good;
}
#endif

/* Whose parent is not who prepared, since that has ended. */
static int
be_an_orphan(void)
{
	int			status;
	pid_t		pid = fork();

	if (pid == 0)
	{
		sandbox_prepare();
		enter();
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

int
main(void)
{
	int			orphan = be_an_orphan();

	sandbox_prepare();
	ok(WIFEXITED(orphan) && WEXITSTATUS(orphan) == 1, "a process whose parent has ended does so too");
	int			status;

	ok(works(open_sockets), "sockets for the database");
	ok(works(use_file_and_memory), "files and memory");
	ok(works(signal_itself), "a signal to itself");
	ok(works(map_writable_code), "memory that can be written and run is refused");
	ok(works(make_code_of_data), "and so is making code of data");
	ok(works(ask_terminal), "ioctl() is refused");
	status = end_of(abort_itself);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "an abort is one");
	ok(is_ended(run_program), "running a program ends the process");
	ok(is_ended(start_process), "starting a process");
	ok(is_ended(trace_parent), "tracing another one");
	ok(is_ended(signal_parent), "signals to another one");
	ok(is_ended(signal_all), "to all");
	ok(is_ended(thread_signal_other), "to another's thread");
	ok(is_ended(delete_file), "deleting a file");
	ok(is_ended(rename_file), "renaming one");
	ok(is_ended(become_root), "becoming another user");
	ok(is_ended(listen_for_others), "listening");
	ok(is_ended(open_packet), "sockets for packets");
	ok(is_ended(open_vsock), "to the host of a virtual machine");
	ok(is_ended(open_key), "for keys");
	ok(is_ended(open_hidden_family), "of a family with bits above");
#ifdef __x86_64__
	ok(only_these_pass(), "and any other system call");
#endif
	return tap_end();
}
