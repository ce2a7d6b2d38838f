/*
 * domain_verify.h - weir-domain's verbs that look at the DNS: verify, plan, history. See weir-domain(1).
 *
 * They enter their own sandbox (they need the network and write to tenants' stores, nothing else), so main calls them before it
 * enters its own. Each returns the exit status.
 */
#ifndef WEIR_DOMAIN_VERIFY_H
#define WEIR_DOMAIN_VERIFY_H

#include <stdbool.h>
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

/* For main: its table of options holds DOMAIN_VIEW_OPTIONS, its usage DOMAIN_VIEW_HELP; options that it does not know go to
 * domain_view_option(), which says whether they were one of these. ST_USAGE as cli_usage(). */
enum { VIEW_RESOLVER = 1000, VIEW_DNS, VIEW_DNSSEC, VIEW_ANCHOR, VIEW_AUTHORITY, VIEW_AUTHORITY_PORT, VIEW_NO_AUTHORITY, VIEW_DIFF,
	VIEW_CHANGES, VIEW_MESSAGE, VIEW_SINCE, VIEW_NOW };
#define DOMAIN_VIEW_OPTIONS \
	{ "resolver", required_argument, NULL, VIEW_RESOLVER }, { "dns", required_argument, NULL, VIEW_DNS }, \
	{ "dnssec", no_argument, NULL, VIEW_DNSSEC }, { "anchor", required_argument, NULL, VIEW_ANCHOR }, \
	{ "authority", required_argument, NULL, VIEW_AUTHORITY }, \
	{ "authority-port", required_argument, NULL, VIEW_AUTHORITY_PORT }, { "no-authority", no_argument, NULL, VIEW_NO_AUTHORITY }, \
	{ "diff", no_argument, NULL, VIEW_DIFF }, { "changes", no_argument, NULL, VIEW_CHANGES }, \
	{ "message", required_argument, NULL, VIEW_MESSAGE }, { "since", required_argument, NULL, VIEW_SINCE }, \
	{ "now", required_argument, NULL, VIEW_NOW }
#define DOMAIN_VIEW_HELP \
	"      --resolver IP@PORT  verify, plan: ask this resolver, not those of /etc/resolv.conf\n" \
	"      --dns FILE        verify, plan: records from a file, no network\n" \
	"      --dnssec          verify, plan: validate; --anchor FILE: from this trust anchor\n" \
	"      --authority IP@PORT  ask this name server, not those of the zone\n" \
	"      --authority-port N  name servers listen there, and may have private addresses\n" \
	"      --no-authority    ask the resolver only\n" \
	"  -e                    verify: 1 if anything is not as it should be\n" \
	"      --diff            verify: only what is to be changed, as lines of a zone\n" \
	"      --changes         verify: only domains that are not as at the last look\n" \
	"      --message FILE    plan: try this message, not one of our own\n" \
	"      --since TIME      history: from then on (2026-11-20, 7d)\n" \
	"      --now TIME        verify: as if it were then\n"
bool domain_view_option(struct dns_view_opts *v, int opt, const char *arg);

int domain_verify(const struct dns_view_opts *o, int n, char *names[]);		/* n 0: all domains of all tenants */
int domain_plan(const struct dns_view_opts *o, int n, char *names[]);
int domain_history(const struct dns_view_opts *o, const char *name);

#endif
