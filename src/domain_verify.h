/*
 * domain_verify.h - weir-domain's verbs that look at the DNS: verify, plan, history. See weir-domain(1).
 *
 * They enter their own sandbox (they need the network and write to tenants' stores, nothing else), so main calls them before it
 * enters its own. Each returns the exit status.
 */
#ifndef WEIR_DOMAIN_VERIFY_H
#define WEIR_DOMAIN_VERIFY_H

#include <stdint.h>
#include "dns.h"

struct dns_view_opts {		/* zero means default */
	const char *home;
	const char *providers;		/* --providers FILE */
	struct dns_opts dns;		/* --resolver, --dns, --dnssec, --anchor */
	const char *authority;		/* --authority IP[@PORT] */
	int authority_port;		/* --authority-port: also allows loopback and private addresses */
	bool no_authority;		/* --no-authority */
	bool json, diff, changes, status /* -e */;
	const char *message;		/* plan --message FILE */
	const char *since;		/* history --since TIME */
	const char *now;		/* --now TIME */
};

int domain_verify(const struct dns_view_opts *o, int n, char *names[]);		/* n 0: all domains of all tenants */
int domain_plan(const struct dns_view_opts *o, int n, char *names[]);
int domain_history(const struct dns_view_opts *o, const char *name);

#endif
