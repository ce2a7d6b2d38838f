/*
 * staging.h - decoded bytes on their way to the store: HOME/run/staging/LEASE/TENANT/.
 *
 * Small objects are appended to a pack (one write a message, some 6 us; a file of its own costs
 * 30-70), large ones become a file named by their digest, complete or not there (O_TMPFILE, linkat).
 * Each digest is written once per process and tenant. What lies here is disposable: the
 * folders of dead leases are removed by the next process that starts. Names are ours: a lease, a
 * tenant's checked word, a digest, "pack.N"; nothing of a message.
 * Trap: staging_put gives a place that is readable only after staging_flush.
 */
#ifndef WEIR_STAGING_H
#define WEIR_STAGING_H

#include "digest.h"
#include "json.h"
#include "status.h"

#define STAGING_PACK_OBJECT_MAX	(256u << 10)	/* larger: a file of its own */
#define STAGING_PACK_BYTES	(64u << 20)	/* a full pack: the next one is begun */
#define STAGING_NO_TENANT	"-"		/* the folder of records without a tenant */

struct staging;
struct staged { const char *path; uint64_t offset; };	/* path lives as long as the struct staging */

/* Nothing is made before the first put. `lease` as lease_name() gives it; copied. */
enum status staging_open(const char *home, const char *lease, struct staging **out);
/* Removes the staging folders of dead leases under home. Missing folder: OK. */
enum status staging_sweep(const char *home);
/* Says that this process reads or writes there: what its pipeline has staged stays until it ends. */
enum status staging_join(const char *home);
/* Takes n bytes with that digest for the tenant (NULL: none) and says where they are (going to be).
 * ST_BAD (tenant is no tenant's name), ST_IO (also a full disk), ST_NOMEM: nothing of it stays. */
enum status staging_put(struct staging *s, const char *tenant, const uint8_t digest[DIGEST_BYTES],
	const void *p, size_t n, struct staged *out);
/* The same into a file of its own, at offset 0, complete on return. */
enum status staging_put_file(struct staging *s, const char *tenant,
	const uint8_t digest[DIGEST_BYTES], const void *p, size_t n, struct staged *out);
/* Writes what is still in memory. On failure all places given since the last flush are void. */
enum status staging_flush(struct staging *s);
/* Flushes and closes; the files stay. */
enum status staging_close(struct staging **s);

/* Makes size bytes at offset of path unreadable for ever: the file is unlinked if that is all
 * of it, else the range becomes a hole (or zeros). path must lie beneath HOME/run/staging: ST_DENIED. */
enum status staging_wipe(const char *home, const char *path, uint64_t offset, uint64_t size);

#endif
