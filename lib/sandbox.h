/*
 * sandbox.h - give up what a program does not need, before the first hostile byte.
 *
 * Each program has a profile (the table in sandbox.c): which folders it may read or write, and whether
 * it may start processes or open sockets. Files are fenced in by Landlock, system calls by seccomp;
 * both are inherited by children and cannot be taken off again. Core dumps, which hold mail, are off.
 *
 * Traps: what is open already stays usable, so open outputs (and folders nobody else may make) before.
 * Landlock needs no privilege but a kernel of 5.19 or newer, with it switched on: where it lacks, a line on stderr says
 * so - once for each home, so that cron stays quiet - and the rest is done all the same. stat(2) is not fenced
 * in by Landlock: names and sizes of files elsewhere can be seen, contents cannot.
 */
#ifndef WEIR_SANDBOX_H
#define WEIR_SANDBOX_H

#include "file.h"
#include "status.h"

enum sandbox_may {
	SANDBOX_NONE,
	SANDBOX_READ,	/* read */
	SANDBOX_USE,	/* read as LMDB does: its lock file is written to. Nothing can be removed or cut short */
	SANDBOX_WRITE,	/* all: write, make, rename, remove; the folder is made if it is missing */
	SANDBOX_LIST	/* names of what lies there, nothing else */
};

struct sandbox_path { const char *path; enum sandbox_may may; };

struct sandbox_opts {
	const char *profile;		/* "weir-NAME" */
	const char *home;		/* NULL: none of the folders beneath it is needed */
	const char *tenant;		/* "tenants" of the profile means this one (none if that is no name); NULL: all */
	const struct roots *roots;	/* NULL: none */
	const struct sandbox_path *also;	/* ends with path NULL; a missing one is skipped. NULL: none */
	int unix_sockets;		/* 1: sockets of this machine may be connected to */
	int network;			/* 1: others may be asked by UDP and TCP (DNS); nobody can connect to us even then */
	int landlock_abi;		/* for tests: 0 asks the kernel, -1 pretends that it has none */
};

/* ST_OK also where the kernel has no Landlock. ST_BUG: no such profile. ST_DENIED, ST_IO, ST_NOMEM: the
 * program must not go on. */
enum status sandbox_enter(const struct sandbox_opts *opts);

/* What a worker of such a program gives up beside that: making and signalling processes. */
enum status sandbox_worker(void);

#endif
