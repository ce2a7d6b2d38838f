/* suite/dmarc.c: verdicts for tests/dmarc-model.py. A line on stdin: zone file, author, SPF's result and domain, DKIM's result and
 * domain, parted by tabs. A line on stdout: result, policy, disposition, policy domain. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmarc.h"

static enum auth_result word(const char *s)
{
	return strcmp(s, "pass") == 0 ? AUTH_PASS : strcmp(s, "fail") == 0 ? AUTH_FAIL :
		strcmp(s, "temperror") == 0 ? AUTH_TEMPERROR : AUTH_NONE;
}

static void judge(char **f)
{
	struct dns_opts o = { .file = f[0] };
	struct dmarc_authors a = { .fields = 1, .n = 1 };
	struct dmarc_dkim dkim = { f[5], word(f[4]) };
	struct dmarc_query q = { .authors = &a, .spf = word(f[2]), .spf_domain = f[3], .dkim = &dkim, .n_dkim = 1 };
	struct dmarc_result r = { 0 };
	struct dns *d = NULL;
	enum status st;

	if (dns_open(&o, &d) != ST_OK) {
		puts(st_text());
		return;
	}
	snprintf(a.domain[0], sizeof a.domain[0], "%s", f[1]);
	while ((st = dmarc_check(d, &q, &r)) == ST_AGAIN)
		if (dns_wait(d, -1) != ST_OK)
			break;
	if (st != ST_OK)
		puts(st_text());
	else if (r.result == AUTH_TEMPERROR)
		puts("temperror - - -");
	else
		printf("%s %s %s %s\n", auth_result_name(r.result), dmarc_policy_name(r.published), dmarc_policy_name(r.disposition),
			r.policy_domain.len ? r.policy_domain.p : "-");
	dmarc_result_free(&r);
	dns_close(&d);
}

int main(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		char *f[6] = { NULL }, *p = line;

		line[n - 1] = '\0';
		for (int i = 0; i < 6; i++)
			f[i] = strsep(&p, "\t");
		if (f[5])
			judge(f);
	}
	free(line);
	return 0;
}
