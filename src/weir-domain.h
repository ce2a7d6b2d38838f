/*
 * weir-domain.h - what the files of weir-domain share: its options, and the verbs that have files of their own.
 *
 * A verb gets the operands after its name. It prints, says what failed (cli_fail) and returns the exit status.
 */
#ifndef WEIR_DOMAIN_VERBS_H
#define WEIR_DOMAIN_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include "buf.h"
#include "dns.h"
#include "domain_verify.h"
#include "domain.h"
#include "provider.h"

#define EDITS_MAX 200

/* An option that changes a domain's settings: kept until the domain is known (domain_edit.c). */
struct edit { int opt; const char *arg; };
/* Their numbers for getopt_long; E_FIRST <= opt < E_END. */
enum { E_FIRST = 2000, E_SELF = E_FIRST, E_DELEGATED, E_PROVIDER, E_TOKEN, E_BYODKIM, E_MAIL_FROM, E_TTL, E_SPF_ALL, E_SPF_INCLUDE,
	E_DMARC, E_RUA, E_RUF, E_MTA_STS, E_MTA_STS_HOST, E_TLS_RPT, E_NULL_MX, E_RECEIVE, E_PORTAL, E_APEX, E_NS, E_SERIAL, E_END };

struct opts {
	const char *home, *inbox, *format, *successor;
	struct providers *providers;	/* open for every verb that wants records */
	struct dns *dns;		/* open for rotate */
	struct dns_view_opts view;	/* --providers, --resolver, --dns..., and what only verify, plan and history have */
	struct edit edit[EDITS_MAX];
	size_t n_edit;
	bool any, json, platform;
	bool go_on, seen, hurry;	/* rotate */
};

/* A name as given, in normal form, and whose it is. tenant: at least TENANT_MAX_BYTES + 1. Prints what is wrong; the exit status, 0 if nothing. */
int find_domain(const struct opts *o, const char *text, char name_out[DOMAIN_MAX_BYTES + 1], char *tenant_out);
/* The same, and its settings. */
int read_domain(const struct opts *o, const char *text, struct domain *out, char *tenant_out);

int verb_add(const struct opts *o, int n, char *args[]);		/* domain_add.c */
int verb_set(const struct opts *o, int n, char *args[]);
int verb_remove(const struct opts *o, int n, char *args[]);		/* domain_remove.c */
int verb_show(const struct opts *o, int n, char *args[]);		/* domain_show.c */
int verb_records(const struct opts *o, int n, char *args[]);		/* domain_zone.c */
int verb_zone(const struct opts *o, int n, char *args[]);
int verb_delegation(const struct opts *o, int n, char *args[]);
int verb_mta_sts(const struct opts *o, int n, char *args[]);
int verb_rotate(const struct opts *o, int n, char *args[]);		/* domain_rotate.c */

/* Applies all edits in order; a list that is given replaces the one there was. ST_BAD, ST_USAGE with the reason. (domain_edit.c) */
enum status edit_domain(struct domain *d, const struct edit *edit, size_t n);

#endif
