/*
 * lease.h - who is at work, so that the work of the dead can be taken over.
 *
 * A pipeline outlives its first filter: `claim` ends long before `ack`. So a lease
 * belongs to a pipeline: the processes with one parent (the shell or the
 * pipelines/ script), known by boot, pid and start time; a script says "PID.START" of itself in
 * $WEIR_RUN, so that its stages know each other when it is killed. Each that needs the lease joins:
 * it holds a shared flock(2) under the folder until it ends, however it ends. A
 * lease is alive while one of them, or the process that took it, lives;
 * in its first LEASE_START_S seconds also while the parent does, for a stage
 * that is slow to start. It is dead when the machine was booted since. Another host's
 * lease is dead when nothing was done under it for LEASE_IDLE_S.
 */
#ifndef WEIR_LEASE_H
#define WEIR_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include "status.h"

#define LEASE_NAME_BYTES 128
#define LEASE_IDLE_S 3600
#define LEASE_START_S 60

/* A name made of [A-Za-z0-9._-] that says all of the above:
 * HOSTID8.BOOTID8.PPID.PSTART.PID.START.SEQ - unique to this process and call. */
enum status lease_name(char out[LEASE_NAME_BYTES]);

/* Says that this process works on what lies under dir (a spool's .weir, HOME/run), until
 * it ends; children that it forks keep it alive as well. Makes DIR/live/. */
enum status lease_join(const char *dir);

/* Whether the lease of that name, kept under dir, still has an owner. last_active is the mtime of
 * whatever the lease holds (its folder). A name that is no lease is dead. */
bool lease_alive(const char *dir, const char *name, time_t last_active, time_t now);

#endif
