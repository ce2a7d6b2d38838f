/*
 * query.c - see query.h.
 */
#include "query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "header.h"
#include "when.h"

#define NODE_HEX (2 * NODE_BYTES)

bool query_option(struct query *q, int opt, const char *arg)
{
	switch (opt) {
	case QUERY_THREAD: q->thread = arg; return true;
	case QUERY_ADDRESS: q->address = arg; return true;
	case QUERY_INBOX: q->inbox = arg; return true;
	case QUERY_SINCE: q->since = arg; return true;
	case QUERY_BEFORE: q->before = arg; return true;
	case QUERY_LIMIT: q->limit = arg; return true;
	case QUERY_NEWEST: q->newest = true; return true;
	default: return false;
	}
}

static enum status keep_thread(void *arg, const struct store_thread *t)
{
	*(struct node *)arg = t->id;
	return ST_OK;
}

static enum status usage(enum status st)
{
	return st == ST_OK ? ST_OK : st_fail(ST_USAGE, "%s", st_text());
}

static enum status read_limit(const char *text, uint64_t *out)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || n == 0)
		return st_fail(ST_USAGE, "--limit wants a number from 1, not %s", text);
	*out = n;
	return ST_OK;
}

enum status query_prepare(const struct query *given, struct store *st, struct asked *out)
{
	int64_t now = time(NULL);
	enum status rc = ST_OK;

	if (given->since != NULL)
		rc = usage(when_parse(given->since, now, &out->q.since));
	if (rc == ST_OK && given->before != NULL)
		rc = usage(when_parse(given->before, now, &out->q.before));
	if (rc == ST_OK && given->limit != NULL)
		rc = read_limit(given->limit, &out->q.limit);
	if (rc == ST_OK && given->address != NULL) {
		rc = usage(address_normal(given->address, strlen(given->address), &out->address));
		out->q.address = out->address.p;
	}
	if (rc == ST_OK && given->thread != NULL) {
		rc = store_thread(st, given->thread, keep_thread, &out->thread);
		out->q.thread = &out->thread;
	}
	out->q.inbox = given->inbox;
	out->q.newest_first = given->newest;
	return rc;
}

void query_done(struct asked *a)
{
	buf_free(&a->address);
}

/* ---- ids ---- */

static bool is_hex(const char *s, size_t least, size_t most)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return s[n] == '\0' && n >= least && n <= most;
}

struct by_message_id { const char *id; size_t len; store_message_fn fn; void *arg; size_t found; };

static enum status compare_message_id(void *arg, const struct store_message *m)
{
	struct by_message_id *by = arg;
	struct buf id = { 0 };
	bool same = json_text(json_get(m->json, "message.message_id"), &id) && id.len == by->len
		&& memcmp(id.p, by->id, id.len) == 0;

	buf_free(&id);
	if (!same)
		return ST_OK;
	by->found++;
	return by->fn(by->arg, m);
}

/* Message-IDs are not indexed by themselves: their node is, and it leads to the thread. */
static enum status find_by_message_id(struct store *st, const char *id, size_t len, store_message_fn fn, void *arg)
{
	struct by_message_id by = { id, len, fn, arg, 0 };
	struct store_query q = { 0 };
	struct node node, thread;
	char hex[NODE_HEX + 1];
	enum status rc;

	node_of(id, len, &node);
	hex_of(node.b, NODE_BYTES, hex);
	rc = store_thread(st, hex, keep_thread, &thread);
	q.thread = &thread;
	if (rc == ST_OK)
		rc = store_messages(st, &q, compare_message_id, &by);
	if (rc == ST_NOTFOUND || (rc == ST_OK && by.found == 0))
		return st_fail(ST_NOTFOUND, "no message has that Message-ID");
	return rc;
}

enum status find_messages(struct store *st, const char *text, store_message_fn fn, void *arg)
{
	size_t len = strlen(text);

	if (is_hex(text, 6, DIGEST_HEX))
		return store_message(st, text, fn, arg);
	if (len > 2 && text[0] == '<' && text[len - 1] == '>')
		return find_by_message_id(st, text + 1, len - 2, fn, arg);
	if (strchr(text, '@') != NULL)
		return find_by_message_id(st, text, len, fn, arg);
	return st_fail(ST_USAGE, "%s is no id: 6 to %d hex digits, or a Message-ID", text, DIGEST_HEX);
}

static enum status ignore(void *arg, const struct store_message *m)
{
	(void)arg;
	(void)m;
	return ST_OK;
}

enum status find_any(struct store *st, const char *text, struct node *thread_out, store_message_fn fn, void *arg)
{
	struct store_query q = { .thread = thread_out };
	enum status message, thread;

	memset(thread_out, 0, sizeof(*thread_out));
	if (!is_hex(text, 6, NODE_HEX))
		return find_messages(st, text, fn, arg);
	message = store_message(st, text, ignore, NULL);
	if (message != ST_OK && message != ST_NOTFOUND)
		return message;
	thread = store_thread(st, text, keep_thread, thread_out);
	if (thread == ST_OK && message == ST_OK)
		return st_fail(ST_BAD, "%s begins the id of a message and of a thread", text);
	if (message == ST_OK)
		return store_message(st, text, fn, arg);
	if (thread == ST_OK)
		return store_messages(st, &q, fn, arg);
	return thread == ST_NOTFOUND ? st_fail(ST_NOTFOUND, "no message and no thread has the id %s", text) : thread;
}
