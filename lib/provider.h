/*
 * provider.h - who carries a domain's mail: names of their hosts, in one table that a file can override.
 *
 * "ses:REGION" is Amazon SES in a region; "own" is the platform that runs weir, of which nothing is known before a file says it.
 * The file (weir-domain(1), PROVIDERS) is one JSON object, a member for each provider:
 *	{"own":{"platform":"platform.example","inbound":"mx.platform.example",...},"ses:eu-north-9":{"inbound":...}}
 * What it says of a known provider replaces that alone; what it leaves out stays as in the table.
 */
#ifndef WEIR_PROVIDER_H
#define WEIR_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include "address.h"
#include "buf.h"
#include "status.h"

#define PROVIDER_NAME_MAX	40
#define PROVIDERS_FILE		"providers.json"	/* in HOME */
#define PROVIDERS_MAX_BYTES	(256u << 10)
#define PROVIDERS_MAX		128	/* in the file */
#define NAME_SERVERS_MAX	8
#define NS_ADDRESSES_MAX	4

struct name_server {
	char name[DOMAIN_MAX_BYTES + 1];
	char address[NS_ADDRESSES_MAX][48];	/* A and AAAA, in inet_ntop's form: glue, where the name lies in the zone itself */
	size_t n_address;
};

struct provider {
	char name[PROVIDER_NAME_MAX + 1];
	char inbound[DOMAIN_MAX_BYTES + 1];	/* MX of the domain; "": it receives no mail */
	char feedback[DOMAIN_MAX_BYTES + 1];	/* MX of MAIL FROM: bounces go there */
	char dkim[DOMAIN_MAX_BYTES + 1];	/* TOKEN._domainkey.DOMAIN is a CNAME to TOKEN.dkim */
	char spf[DOMAIN_MAX_BYTES + 16];	/* the mechanism that stands for its senders: "include:amazonses.com" */
	int spf_lookups;			/* names that looking it up takes, itself included (RFC 7208 4.6.4) */
	/* ---- "own" only ---- */
	char platform[DOMAIN_MAX_BYTES + 1];
	char hostmaster[255];			/* an address: the SOA's RNAME */
	struct name_server ns[NAME_SERVERS_MAX];	/* of delegated zones and of the zone `dkim` */
	size_t n_ns;
};

/* An address in inet_ntop's form. ST_BAD. */
enum status name_server_address(const char *text, char out[48]);
/* [{"name":"ns1.x.example","addresses":["192.0.2.1"]}]: at most NAME_SERVERS_MAX. ST_BAD, ST_LIMIT. */
enum status name_servers_read(struct span v, struct name_server *ns, size_t *n_out);

struct providers;
/* The table, and over it `file` (NULL: HOME/providers.json if there is one). Reads all of it now: call it before sandbox_enter().
 * ST_NOTFOUND, ST_IO: the file named. ST_CONFIG: what it says is unusable, with the member's name. ST_NOMEM. */
enum status providers_open(const char *home, const char *file_or_null, struct providers **out);
void providers_close(struct providers **p);
/* The same from text; for tests and fuzzing. */
enum status providers_read(const char *json, size_t len, struct providers **out);

/* Fills *out. ST_BAD: nobody of that name, with the names that there are or the file to write. "own" without a file, or
 * with one that says too little, is ST_CONFIG. */
enum status provider_get(const struct providers *p, const char *name, struct provider *out);

#endif
