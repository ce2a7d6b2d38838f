/* domain_plan.c - weir-domain plan, see domain_verify.h: the change to a zone, and what it is good for. Nothing is kept. */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "domain_look.h"
#include "file.h"
#include "verify_print.h"

static enum status tell(struct look *l, struct look_job *j, struct span message, int64_t now)
{
	struct buf b = { 0 }, simulation = { 0 };
	struct verify_told told = { .tenant = j->tenant, .simulation = &simulation };
	enum status rc = simulate(l, j, message, now, l->o->json, &simulation);

	if (l->o->json) {
		verify_json(j->v, &told, &b);
		buf_chr(&b, '\n');
	} else {
		verify_diff(j->v, &told, &b);
		if (b.len == 0)
			buf_fmt(&b, "; %s (%s): nothing to change\n", j->d.name, j->tenant);
		buf_add(&b, simulation.p, simulation.len);
	}
	if (rc == ST_OK && !buf_ok(&b))
		rc = st_fail(ST_NOMEM, "out of memory");
	if (rc == ST_OK)
		fwrite(b.p, 1, b.len, stdout);
	buf_free(&b);
	buf_free(&simulation);
	return rc;
}

static enum status read_message(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum status rc = fd < 0 ? st_fail_errno("%s", path) : file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, out);

	if (fd >= 0)
		close(fd);
	buf_cstr(out);
	return rc;
}

int domain_plan(const struct dns_view_opts *o, int n, char *names[])
{
	struct look l = { .o = o };
	int64_t now = time(NULL);
	struct buf message = { 0 };
	enum status rc = o->message ? read_message(o->message, &message) : ST_OK;
	int status = 0;
	bool more = true;
	size_t i;

	if (rc == ST_OK)
		rc = look_open(&l, true, &now);
	if (rc == ST_OK)
		rc = look_list(&l, n, names, &status);
	while (rc == ST_OK && more) {
		rc = look_next(&l, &more, &status);
		for (i = 0; rc == ST_OK && i < l.n; i++) {
			rc = tell(&l, l.job[i], (struct span){ message.p, message.len }, now);
			if (l.job[i]->v->count[VERDICT_TEMPERROR] > 0)
				status = st_worse(status, EX_WEIR_AGAIN);
		}
	}
	if (rc != ST_OK)
		status = st_worse(status, cli_fail(rc, "plan"));
	look_close(&l);
	buf_free(&message);
	return status;
}
