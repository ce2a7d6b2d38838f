/* domain_plan.c - weir-domain plan, see domain_verify.h: the change to a zone, and what it is good for. Nothing is kept. */
#include <stdlib.h>
#include <time.h>

#include "cli.h"
#include "domain_look.h"
#include "verify_print.h"

static void tell(const struct look_job *j)
{
	struct verify_told told = { .tenant = j->tenant };
	struct buf b = { 0 };

	verify_diff(j->v, &told, &b);
	if (b.len == 0)
		buf_fmt(&b, "; %s (%s): nothing to change\n", j->d.name, j->tenant);
	fwrite(b.p, 1, b.len, stdout);
	buf_free(&b);
}

int domain_plan(const struct dns_view_opts *o, int n, char *names[])
{
	struct look l = { .o = o };
	int64_t now = time(NULL);
	enum status rc = look_open(&l, &now);
	int status = 0;
	bool more = true;
	size_t i;

	if (rc == ST_OK)
		rc = look_list(&l, n, names, &status);
	while (rc == ST_OK && more) {
		rc = look_next(&l, &more, &status);
		for (i = 0; rc == ST_OK && i < l.n; i++) {
			tell(l.job[i]);
			if (l.job[i]->v->count[VERDICT_TEMPERROR] > 0)
				status = st_worse(status, EX_WEIR_AGAIN);
		}
	}
	if (rc != ST_OK)
		status = st_worse(status, cli_fail(rc, "plan"));
	look_close(&l);
	return status;
}
