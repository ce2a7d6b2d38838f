/*
 * thread.c - which ids a message links to. See thread.h for what a node is.
 */
#include <stdbool.h>
#include <string.h>

#include "digest.h"
#include "header.h"
#include "thread.h"

#define IDS_LOOKED_AT (2 * IDS_MAX)	/* both fields of any record weir-parse writes */

static enum status hash_node(const char *prefix, const char *p, size_t len, struct node *out)
{
	static struct digest d;
	uint8_t whole[DIGEST_BYTES];
	enum status st = digest_begin(&d);

	if (st != ST_OK)
		return st;
	digest_add(&d, prefix, strlen(prefix));
	digest_add(&d, p, len);
	st = digest_end(&d, whole);
	if (st == ST_OK)
		memcpy(out->b, whole, NODE_BYTES);
	return st;
}

enum status node_of(const char *message_id, size_t len, struct node *out)
{
	return hash_node("", message_id, len, out);
}

/* An id as JSON has it. *ok_out false: no id (empty, or no string). */
static enum status node_of_json(struct span v, struct node *out, bool *ok_out)
{
	struct buf b = { 0 };
	enum status st = ST_OK;

	*ok_out = json_type(v) == '"' && v.len > 2;
	if (!*ok_out)
		return ST_OK;
	if (!memchr(v.p, '\\', v.len))
		return node_of(v.p + 1, v.len - 2, out);
	if (!json_text(v, &b) || !buf_ok(&b))
		st = st_fail(ST_NOMEM, "message id: out of memory");
	else
		st = node_of(b.p, b.len, out);
	buf_free(&b);
	return st;
}

struct links { struct node node[IDS_LOOKED_AT]; size_t n; };

static enum status add_ids(struct span ids, const struct node *self, struct links *l)
{
	struct span elem;
	bool ok;

	while (l->n < IDS_LOOKED_AT && json_elem(&ids, &elem)) {
		struct node *at = &l->node[l->n];
		size_t i = 0;
		enum status st = node_of_json(elem, at, &ok);

		if (st != ST_OK)
			return st;
		while (ok && i < l->n && memcmp(&l->node[i], at, sizeof *at))
			i++;
		if (ok && i == l->n && memcmp(self, at, sizeof *at))
			l->n++;
	}
	return ST_OK;
}

enum status thread_links(const struct rec *rec, struct node *self_out, struct node *links_out, size_t *n_out)
{
	static struct links l;
	struct span id = rec_get(rec, "id");
	enum status st;
	bool ok;

	l.n = 0;
	st = node_of_json(rec_get(rec, "message.message_id"), self_out, &ok);
	if (st == ST_OK && !ok) {
		if (json_type(id) != '"' || id.len != DIGEST_HEX + 2)
			return st_fail(ST_BAD, "the record has no id");
		st = hash_node("weir:", id.p + 1, DIGEST_HEX, self_out);
	}
	if (st == ST_OK)
		st = add_ids(rec_get(rec, "message.references"), self_out, &l);
	if (st == ST_OK)
		st = add_ids(rec_get(rec, "message.in_reply_to"), self_out, &l);
	if (st != ST_OK)
		return st;
	/* The first is the root; the last ones are the nearest. */
	*n_out = l.n < THREAD_MAX_LINKS ? l.n : THREAD_MAX_LINKS;
	if (*n_out) {
		links_out[0] = l.node[0];
		memcpy(links_out + 1, l.node + l.n - (*n_out - 1), (*n_out - 1) * sizeof *links_out);
	}
	return ST_OK;
}
