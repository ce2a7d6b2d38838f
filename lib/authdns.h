/*
 * authdns.h - where a program's DNS answers come from: its options and $WEIR_DNS; and answers kept in a file.
 *
 * WEIR_DNS is "off", "file:PATH", "replay:PATH" or a resolver as in dns.h ("IP[@PORT]"); options go before it.
 */
#ifndef WEIR_AUTHDNS_H
#define WEIR_AUTHDNS_H

#include <stdint.h>
#include "dns.h"

struct authdns {
	bool off;		/* nobody is to be asked */
	struct dns_opts dns;
	const char *record;	/* file that gets every answer used; NULL: none */
	int64_t now;		/* 0: not said. A replay has the time of its record */
	/* inside */
	struct buf line;
	int fd;
	bool failed;
};

/* Fills in what no option has said from $WEIR_DNS. ST_CONFIG: it makes no sense. */
enum status authdns_env(struct authdns *a);
/* Opens all of it, before sandbox_enter(). *out NULL if off. With `record` and without `now`, now becomes the clock's: what is
 * judged then can be judged again. ST_CONFIG, ST_BAD (a replay without its first line), ST_IO and those of dns_open. */
enum status authdns_open(struct authdns *a, struct dns **out);
/* ST_IO: the record is not whole. */
enum status authdns_close(struct authdns *a, struct dns **d);

#endif
