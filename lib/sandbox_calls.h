/* sandbox_calls.h - the seccomp half of sandbox.h: system calls that nobody, or not everybody, needs. */
#ifndef WEIR_SANDBOX_CALLS_H
#define WEIR_SANDBOX_CALLS_H

#include "status.h"

enum {
	SANDBOX_FORK = 1,	/* processes may be made, and signalled */
	SANDBOX_UNIX = 2,	/* AF_UNIX sockets */
	SANDBOX_MODES = 4,	/* modes and times of files may be changed */
	SANDBOX_NET = 8		/* IPv4 and IPv6 sockets */
};

/* Forbidden calls fail with EPERM: libraries have an answer for that. */
enum status sandbox_calls(unsigned allowed);

#endif
