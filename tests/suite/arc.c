/*
 * What lib/arc says of messages: arc --dns FILE [--now SECONDS] MESSAGE... A line for each: the file, the result, how many
 * sets, the domain of the newest seal, the reason.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "arc.h"
#include "file.h"

static void check(struct dkim *d, struct dns *dns, const char *name, struct buf *raw, int64_t now)
{
	struct arc_check *c = NULL;

	if (arc_begin(d, buf_cstr(raw), raw->len, now, &c) != ST_OK)
		abort();
	while (!arc_step(c, dns))
		dns_wait(dns, -1);
	printf("%s\t%s\t%zu\t%s\t%s\n", name, dkim_result_name(c->result), c->n, c->n ? c->set[c->n - 1].domain : "", c->reason);
	arc_check_free(&c);
}

int main(int argc, char **argv)
{
	static const struct option longopts[] = { { "dns", 1, NULL, 'd' }, { "now", 1, NULL, 'n' }, { 0 } };
	struct dns_opts o = { 0 };
	struct dns *dns = NULL;
	struct dkim *d = NULL;
	struct buf raw = { 0 };
	int64_t now = time(NULL);
	int c;

	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1)
		switch (c) {
		case 'd': o.file = optarg; break;
		case 'n': now = strtoll(optarg, NULL, 10); break;
		default: return 64;
		}
	if (dkim_new(&d) != ST_OK || dns_open(&o, &dns) != ST_OK) {
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
		check(d, dns, argv[optind], &raw, now);
	}
	buf_free(&raw);
	dns_close(&dns);
	dkim_free(&d);
	return 0;
}
