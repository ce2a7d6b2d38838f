/* extract.c - see extract.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "extract.h"
#include "lease.h"
#include "part.h"
#include "staging.h"

struct place { const char *path; uint64_t offset; };

struct extract {
	const struct roots *roots;
	uint64_t max_decoded;
	struct staging *staging;
	struct part *part;		/* of the message at hand */
	size_t parts;
	struct part_source source;
	struct place *place;		/* of part[i] */
	size_t place_cap;
	struct buf raw, raw_path, tenant, bytes;
	struct digest sha;
};

enum status extract_open(const struct extract_opts *o, struct extract **out)
{
	char lease[LEASE_NAME_BYTES];
	struct extract *x = calloc(1, sizeof *x);

	if (!x)
		return st_fail(ST_NOMEM, "no memory");
	x->roots = o->roots;
	x->max_decoded = o->max_decoded_bytes ? o->max_decoded_bytes : EXTRACT_MAX_DECODED_BYTES;
	enum status st = lease_name(lease);
	if (st == ST_OK)
		st = staging_join(o->home);
	if (st == ST_OK)
		st = staging_sweep(o->home);
	if (st == ST_OK)
		st = staging_open(o->home, lease, &x->staging);
	if (st != ST_OK)
		extract_close(&x);
	*out = x;
	return st;
}

static enum status read_raw(struct extract *x, const struct rec *rec)
{
	int64_t size;
	int fd;

	buf_clear(&x->raw_path);
	if (!json_text(rec_get(rec, "raw.path"), &x->raw_path)
	    || !json_get_int(rec_get(rec, "raw.size"), &size) || size < 0)
		return st_fail(ST_BAD, "no raw.path and raw.size in the record");
	enum status st = roots_open(x->roots, buf_cstr(&x->raw_path), &fd);
	if (st != ST_OK)
		return st;
	st = file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, &x->raw);
	close(fd);
	if (st == ST_OK && x->raw.len != (uint64_t)size)
		st = st_fail(ST_AGAIN, "%s has %zu bytes, the record says %lld",
			buf_cstr(&x->raw_path), x->raw.len, (long long)size);
	return st;
}

/* Whether the decoded bytes are the container's own. */
static bool in_place(const struct part *p)
{
	return (p->encoding == ENC_IDENTITY || p->encoding == ENC_UNKNOWN) && !p->cr;
}

static int part_named(const struct extract *x, const char *id)
{
	for (size_t i = 0; i < x->parts; i++)
		if (strcmp(x->part[i].id, id) == 0)
			return (int)i;
	return -1;
}

/* Where part i's bytes are for those who read the record: in what it is in, or in staging. */
static enum status place_part(struct extract *x, size_t i, struct span bytes,
	const uint8_t *digest, const char *tenant)
{
	const struct part *p = &x->part[i];
	struct staged at;

	if (in_place(p)) {
		int in = p->in ? part_named(x, p->in) : -1;
		if (!p->in)
			x->place[i] = (struct place){ buf_cstr(&x->raw_path), p->begin };
		else if (in >= 0 && (size_t)in < i && x->place[in].path)
			x->place[i] = (struct place){ x->place[in].path, x->place[in].offset + p->begin };
		if (x->place[i].path)
			return ST_OK;
	}
	enum status st = staging_put(x->staging, tenant, digest, bytes.p, bytes.len, &at);
	if (st == ST_OK)
		x->place[i] = (struct place){ at.path, at.offset };
	return st;
}

static void attachment_json(struct buf *b, const struct part *p, uint64_t size,
	const uint8_t *digest, const struct place *at)
{
	char hex[DIGEST_HEX + 1];

	hex_of(digest, DIGEST_BYTES, hex);
	json_open(b, NULL, '{');
	json_cstr(b, "part", p->id);
	json_str(b, "sha256", hex, DIGEST_HEX);
	json_int(b, "size", (int64_t)size);
	json_cstr(b, "path", at->path);
	if (at->offset)
		json_int(b, "offset", (int64_t)at->offset);
	json_close(b, '}');
}

/* The decoded bytes, in place where they are. No encoding of ours makes more bytes than it takes,
 * so what is in the budget encoded is in it decoded. */
static enum status decoded(struct extract *x, const struct part *p, uint64_t *budget, struct span *out)
{
	uint64_t n = p->end - p->begin;

	if (in_place(p))
		return part_encoded(&x->source, p, out);
	if (n > *budget)
		return st_fail(ST_LIMIT, "the parts have more than %llu decoded bytes",
			(unsigned long long)x->max_decoded);
	*budget -= n;
	buf_clear(&x->bytes);
	enum status st = part_bytes(&x->source, p, &x->bytes, NULL);
	*out = (struct span){ buf_cstr(&x->bytes), x->bytes.len };
	return st;
}

static enum status extract_part(struct extract *x, size_t i, uint64_t *budget,
	const char *tenant, struct buf *extra)
{
	const struct part *p = &x->part[i];
	uint8_t digest[DIGEST_BYTES];
	struct span bytes;

	x->place[i].path = NULL;
	if (!part_has_bytes(p))
		return ST_OK;
	enum status st = decoded(x, p, budget, &bytes);
	if (st == ST_OK)
		st = digest_begin(&x->sha);
	if (st != ST_OK)
		return st;
	digest_add(&x->sha, bytes.p, bytes.len);
	st = digest_end(&x->sha, digest);
	if (st == ST_OK)
		st = place_part(x, i, bytes, digest, tenant);
	if (st == ST_OK)
		attachment_json(extra, p, bytes.len, digest, &x->place[i]);
	return st;
}

static enum status extract_all(struct extract *x, const char *tenant, struct buf *extra)
{
	uint64_t budget = x->max_decoded;
	enum status st = ST_OK;

	if (x->place_cap < x->parts) {
		struct place *v = realloc(x->place, x->parts * sizeof *v);
		if (!v)
			return st_fail(ST_NOMEM, "no memory for %zu parts", x->parts);
		x->place = v;
		x->place_cap = x->parts;
	}
	x->source = (struct part_source){ .raw = buf_cstr(&x->raw), .len = x->raw.len,
		.part = x->part, .parts = x->parts };
	json_open(extra, "attachments", '[');
	for (size_t i = 0; st == ST_OK && i < x->parts; i++)
		st = extract_part(x, i, &budget, tenant, extra);
	json_close(extra, ']');
	part_source_done(&x->source);
	if (st == ST_OK)
		st = staging_flush(x->staging);
	return st;
}

enum status extract_record(struct extract *x, const struct rec *rec, struct buf *extra)
{
	struct span tenant = rec_get(rec, "tenant"), parts = rec_get(rec, "parts");

	parts_free(&x->part, x->parts);
	x->parts = 0;
	if (!parts.p)
		return st_fail(ST_BAD, "no parts in the record: weir-parse makes them");
	enum status st = parts_of_json(parts, &x->part, &x->parts);
	if (st == ST_OK)
		st = read_raw(x, rec);
	if (st != ST_OK)
		return st;
	buf_clear(&x->tenant);
	if (tenant.p && !json_text(tenant, &x->tenant))
		return st_fail(ST_BAD, "the tenant is no string");
	st = extract_all(x, tenant.p ? buf_cstr(&x->tenant) : NULL, extra);
	if (st == ST_LIMIT) {	/* nothing of it is extracted: a part left out would not be scanned */
		buf_clear(extra);
		rec_hold(extra, "weir-extract", "too_big", st_text(), 24 * 3600);
		st = ST_OK;
	}
	return st;
}

enum status extract_close(struct extract **xp)
{
	struct extract *x = *xp;

	if (!x)
		return ST_OK;
	enum status st = staging_close(&x->staging);
	parts_free(&x->part, x->parts);
	free(x->place);
	buf_free(&x->raw);
	buf_free(&x->raw_path);
	buf_free(&x->tenant);
	buf_free(&x->bytes);
	digest_free(&x->sha);
	free(x);
	*xp = NULL;
	return st;
}
