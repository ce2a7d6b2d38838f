/*
 * ask - what lib/dns says of names, all asked at once: a line for each as it comes.
 *
 * usage: ask [-r RESOLVER] [-f FILE] [-a ANCHOR] [-t TIMEOUT_MS] [-s] [-w] NAME TYPE...
 * Prints: NAME TYPE RESULT SECURE TTL CANONICAL MS RDATA... (hex; TXT as text). -s: in the sandbox of weir-auth.
 * -w: each name only when those before it are answered.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "dns.h"
#include "dns_back.h"
#include "sandbox.h"

static long long ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static void say(const char *name, const char *type, const struct dns_answer *a, long long took)
{
	struct buf b = { 0 };

	printf("%s %s %s %s %u %s %lld", name, type, dns_result_name(a->result), a->secure ? "secure" : "-", a->ttl,
		a->canonical, took);
	for (size_t i = 0; i < a->n; i++) {
		buf_clear(&b);
		if (dns_txt(a->rdata[i], &b) && b.len && isprint((unsigned char)b.p[0]))
			printf(" \"%s\"", b.p);
		for (size_t j = 0; (!b.len || !isprint((unsigned char)b.p[0])) && j < a->rdata[i].len; j++)
			printf("%s%02x", j ? "" : " ", (unsigned char)a->rdata[i].p[j]);
	}
	printf("%s%s\n", a->why[0] ? " # " : "", a->why);
	fflush(stdout);
	buf_free(&b);
}

int main(int argc, char *argv[])
{
	struct dns_opts o = { 0 };
	struct dns *d = NULL;
	bool fenced = false, wait = false, *told;
	long long start;
	int opt, i, left = 0;

	while ((opt = getopt(argc, argv, "r:f:a:t:sw")) != -1) {
		switch (opt) {
		case 'r': o.resolver = optarg; break;
		case 'f': o.file = optarg; break;
		case 'a': o.anchor = optarg; o.dnssec = true; break;
		case 't': o.timeout_ms = atoi(optarg); break;
		case 's': fenced = true; break;
		case 'w': wait = true; break;
		default: return 64;
		}
	}
	if (dns_open(&o, &d) != ST_OK ||
			(fenced && sandbox_enter(&(struct sandbox_opts){ .profile = "weir-auth", .network = !o.file }) != ST_OK)) {
		fprintf(stderr, "ask: %s\n", st_text());
		return 78;
	}
	told = calloc((size_t)argc + 1, sizeof *told);
	start = ms();
	do {
		left = 0;
		for (i = optind; told && i + 1 < argc; i += 2) {
			const struct dns_answer *a;
			uint16_t type = dns_type_of(argv[i + 1], strlen(argv[i + 1]));

			if (told[i] || !type)
				continue;
			if (dns_ask(d, argv[i], type, &a) == DNS_PENDING) {
				left++;
				if (wait)
					break;
				continue;
			}
			say(argv[i], argv[i + 1], a, ms() - start);
			told[i] = true;
		}
	} while (left && dns_wait(d, -1) == ST_OK);
	free(told);
	dns_close(&d);
	return 0;
}
