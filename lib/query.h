/*
 * query.h - which threads or messages somebody means: the options that all readers share, and the ids people type.
 */
#ifndef WEIR_QUERY_H
#define WEIR_QUERY_H

#include <getopt.h>
#include "store.h"

/* As given on the command line; NULL: not given. */
struct query { const char *thread, *address, *inbox, *since, *before, *limit; bool newest; };

/* Entries for getopt_long, and what they do. Values over 255, so that they meet no letter. */
enum { QUERY_THREAD = 256, QUERY_ADDRESS, QUERY_INBOX, QUERY_SINCE, QUERY_BEFORE, QUERY_LIMIT, QUERY_NEWEST };
#define QUERY_OPTIONS \
	{ "thread", required_argument, NULL, QUERY_THREAD }, { "address", required_argument, NULL, QUERY_ADDRESS }, \
	{ "inbox", required_argument, NULL, QUERY_INBOX }, { "since", required_argument, NULL, QUERY_SINCE }, \
	{ "before", required_argument, NULL, QUERY_BEFORE }, { "limit", required_argument, NULL, QUERY_LIMIT }, \
	{ "newest-first", no_argument, NULL, QUERY_NEWEST }
/* The lines of --help about them. */
#define QUERY_HELP \
	"      --thread ID      only of this thread\n" \
	"      --address A      only delivered to this address\n" \
	"      --inbox NAME     only delivered to this inbox\n" \
	"      --since DATE     dated then or later: 2026-11-20, 2026-11-20T09:15:00Z, or 7d, 12h, 30min, 2w ago\n" \
	"      --before DATE    dated before\n" \
	"      --limit N        at most N\n" \
	"      --newest-first   the latest first\n"
bool query_option(struct query *q, int opt, const char *arg);	/* false: none of ours */

/* What the store is asked. Zeroed before the first use. */
struct asked { struct store_query q; struct node thread; struct buf address; };
/* Within a transaction (a thread's id is looked up). ST_USAGE: a value makes no sense; ST_NOTFOUND, ST_BAD: no such
 * thread, or more than one. */
enum status query_prepare(const struct query *given, struct store *st, struct asked *out);
void query_done(struct asked *a);

/* ---- ids ---- */
/* Calls fn for the message(s) meant by text: an id or a beginning of it (6 digits or more), or a Message-ID with or without
 * its brackets (every message that has it). ST_NOTFOUND, ST_BAD (ambiguous), ST_USAGE (neither form). */
enum status find_messages(struct store *st, const char *text, store_message_fn fn, void *arg);
/* The same, and a thread's id (or its beginning): then fn is called for all its messages by date, and *thread_out (zeroed if it
 * was a message) says which. A beginning that fits a message and a thread is ST_BAD. */
enum status find_any(struct store *st, const char *text, struct node *thread_out, store_message_fn fn, void *arg);

#endif
