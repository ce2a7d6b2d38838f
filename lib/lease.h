/*
 * lease.h - who is at work, so that the work of the dead can be taken over.
 *
 * A pipeline outlives its first filter: `claim` ends long before `ack`. So the
 * owner of a lease is the process that runs the pipeline, the parent of
 * whoever asks (the shell or the pipelines/ script), known by boot, pid
 * and start time. A lease is dead when its owner AND the process that took it are both
 * gone, when the machine was booted since, or when nothing was done
 * under it for LEASE_IDLE_S (the only rule for another host's lease).
 */
#ifndef WEIR_LEASE_H
#define WEIR_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include "status.h"

#define LEASE_NAME_BYTES 128
#define LEASE_IDLE_S 3600

/* A name made of [A-Za-z0-9._-] that says all of the above:
 * HOSTID8.BOOTID8.PPID.PSTART.PID.START.SEQ - unique to this process and call. */
enum status lease_name(char out[LEASE_NAME_BYTES]);

/* Whether the lease of that name still has an owner. last_active is the mtime of
 * whatever the lease holds (its folder). A name that is no lease is dead. */
bool lease_alive(const char *name, time_t last_active, time_t now);

#endif
