/*
 * What a signature costs, as tests/suite/opendkim.c measures it for libopendkim:
 *	dkim time-verify ZONE N MESSAGE			microseconds of CPU for each of N verifications
 *	dkim time-sign DOMAIN SELECTOR KEY N MESSAGE
 * A verification is all of it: header and signature read, body hashed, key asked for (a file: known at once) and used.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dkim.h"
#include "file.h"

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(enum status st)
{
	if (st != ST_OK) {
		fprintf(stderr, "dkim: %s\n", st_text());
		exit(1);
	}
}

static void load(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	must(file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, b));
	close(fd);
}

static void verify(struct dkim *d, const char *zone, int n, const struct buf *m)
{
	struct dns *dns = NULL;
	double begin;

	must(dns_open(&(struct dns_opts){ .file = zone }, &dns));
	begin = seconds();
	for (int i = 0; i < n; i++) {
		struct dkim_check *c = NULL;

		must(dkim_begin(d, m->p, m->len, time(NULL), &c));
		while (!dkim_step(c, dns))
			dns_wait(dns, -1);
		if (dkim_overall(c, NULL) != DKIM_PASS) {
			fprintf(stderr, "dkim: %s\n", c->n ? c->sig[0].reason : "not signed");
			exit(1);
		}
		dkim_check_free(&c);
	}
	printf("%.2f\n", (seconds() - begin) * 1e6 / n);
	dns_close(&dns);
}

static void sign(struct dkim *d, char **arg, int n, const struct buf *m)
{
	struct dkim_signer *s = NULL;
	struct buf key = { 0 }, out = { 0 };
	double begin;

	load(arg[2], &key);
	must(dkim_signer_new(key.p, key.len, arg[0], arg[1], &s));
	begin = seconds();
	for (int i = 0; i < n; i++) {
		buf_clear(&out);
		must(dkim_sign(d, m->p, m->len, &s, 1, &(struct dkim_sign_opts){ .now = time(NULL) }, &out));
	}
	printf("%.2f\n", (seconds() - begin) * 1e6 / n);
	dkim_signer_free(&s);
	buf_free(&key);
	buf_free(&out);
}

int main(int argc, char **argv)
{
	struct dkim *d = NULL;
	struct buf m = { 0 };

	if (argc != 5 && argc != 7)
		return 64;
	must(dkim_new(&d));
	load(argv[argc - 1], &m);
	if (argc == 5)
		verify(d, argv[2], atoi(argv[3]), &m);
	else
		sign(d, argv + 2, atoi(argv[5]), &m);
	buf_free(&m);
	dkim_free(&d);
	return 0;
}
