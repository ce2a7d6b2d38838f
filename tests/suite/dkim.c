/*
 * What lib/dkim says of messages: dkim --dns FILE [--now SECONDS] MESSAGE... A line for each signature: the file, which
 * one it is, its result, flags, d=, and the reason. --now: what expiry is compared with; "t": the signature's own t=.
 * dkim --hash MESSAGE...: whether the body has the hash that bh= says: "same", "differs", "unreadable".
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dkim_priv.h"
#include "file.h"

static void check(struct dkim *d, struct dns *dns, const char *name, const struct buf *raw, int64_t now)
{
	struct dkim_check *c = NULL;
	struct buf flags = { 0 };

	if (dkim_begin(d, buf_cstr((struct buf *)raw), raw->len, now, &c) != ST_OK)
		abort();
	while (!dkim_step(c, dns))
		dns_wait(dns, -1);
	for (size_t i = 0; i < c->n; i++) {
		buf_clear(&flags);
		dkim_flags(c->sig[i].flags, &flags);
		printf("%s\t%zu\t%s\t%s\t%s\t%s\n", name, i + 1, dkim_result_name(c->sig[i].result), buf_cstr(&flags),
			c->sig[i].domain, c->sig[i].reason);
	}
	if (c->n == 0)
		printf("%s\t0\tnone\t\t\t\n", name);
	if (c->unread)
		printf("%s\t+%zu\tunread\t\t\t\n", name, c->unread);
	buf_free(&flags);
	dkim_check_free(&c);
}

static void hash(struct dkim *d, const char *name, const struct buf *raw)
{
	struct dkim_fields h = { 0 };
	struct dkim_sig sig = { 0 };
	size_t n = 0;

	if (dkim_fields_read(raw->p, raw->len, &h) != ST_OK)
		abort();
	for (size_t i = 0; i < h.n; i++) {
		struct field *f = &h.f[i].at;
		struct dkim_body want = { 0 };

		if (h.f[i].kind != FIELD_DKIM)
			continue;
		bool good = dkim_sig_read(SIG_DKIM, (struct span){ raw->p + f->value, f->value_end - f->value }, 0, &sig);

		want = (struct dkim_body){ .relaxed = sig.canon.relaxed_body, .limit = sig.l };
		if (good && dkim_body_hash(d, raw->p + h.body, raw->len - h.body, &want, 1) != ST_OK)
			abort();
		printf("%s\t%zu\t%s\t%s\n", name, ++n, !good ? "unreadable" : want.too_short ? "short" :
			memcmp(want.hash, sig.body_hash, HASH_BYTES) ? "differs" : "same", good ? buf_cstr(&sig.domain) : sig.why);
	}
	dkim_sig_done(&sig);
	free(h.f);
}

/* t= of the first signature. */
static int64_t signed_at(const struct buf *raw)
{
	const char *t = raw->len ? memmem(raw->p, raw->len, "t=1", 3) : NULL;

	return t ? strtoll(t + 2, NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	static const struct option longopts[] = { { "dns", 1, NULL, 'd' }, { "now", 1, NULL, 'n' }, { "hash", 0, NULL, 'H' }, { 0 } };
	struct dns_opts o = { 0 };
	struct dns *dns = NULL;
	struct dkim *d = NULL;
	struct buf raw = { 0 };
	const char *now = NULL;
	bool hashes = false;
	int c;

	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1)
		switch (c) {
		case 'd': o.file = optarg; break;
		case 'n': now = optarg; break;
		case 'H': hashes = true; break;
		default: return 64;
		}
	if (dkim_new(&d) != ST_OK || (!hashes && dns_open(&o, &dns) != ST_OK)) {
		fprintf(stderr, "%s\n", st_text());
		return 1;
	}
	for (; optind < argc; optind++) {
		int fd = open(argv[optind], O_RDONLY);

		if (fd < 0 || file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, &raw) != ST_OK) {
			perror(argv[optind]);
			return 1;
		}
		close(fd);
		if (hashes)
			hash(d, argv[optind], &raw);
		else
			check(d, dns, argv[optind], &raw, !now ? time(NULL) : *now == 't' ? signed_at(&raw) : strtoll(now, NULL, 10));
	}
	buf_free(&raw);
	dns_close(&dns);
	dkim_free(&d);
	return 0;
}
