/* suite/spf.c: plays what tests/suite-spf.py made of an SPF suite. spf DIR:
 * a line "name | expected | ours" for each case that differs, and the count. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "spf.h"

static int total, wrong;

static bool among(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = words; (p = strstr(p, word)) != NULL; p += n)
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

/* tab-separated: name, helo, ip, mailfrom, results, explanation */
static void play(struct dns *d, char *line, const char *file)
{
	char *f[6] = { NULL }, *p = line;
	struct spf_query q = { .want_exp = true };
	struct spf_result r = { 0 };
	enum status st;

	for (int i = 0; i < 6; i++)
		f[i] = strsep(&p, "\t");
	if (!f[5] || !spf_ip(f[2], strlen(f[2]), &q.ip)) {
		printf("%s: cannot be read: %s\n", file, line);
		wrong++;
		return;
	}
	q.helo = f[1];
	q.mail_from = f[3];
	while ((st = spf_check(d, &q, &r)) == ST_AGAIN)
		if (dns_wait(d, -1) != ST_OK)
			break;
	total++;
	if (st != ST_OK || !among(f[4], auth_result_name(r.result)) || r.why.len == 0 ||
	    (strcmp(f[5], "*") != 0 && strcmp(strcmp(f[5], "-") == 0 ? "" : f[5], buf_cstr(&r.exp)) != 0)) {
		printf("%s | %s | %s\n", f[0], f[4], st == ST_OK ? auth_result_name(r.result) : st_text());
		fprintf(stderr, "%s: %s: %s [%s], wanted %s [%s]\n", file, f[0], buf_cstr(&r.why), buf_cstr(&r.exp), f[4], f[5]);
		wrong++;
	}
	spf_result_free(&r);
}

static void scenario(const char *dir, const char *base)
{
	char path[4096];
	struct dns_opts o = { .file = path };
	struct dns *d = NULL;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s.zone", dir, base);
	if (dns_open(&o, &d) != ST_OK) {
		printf("%s: %s\n", path, st_text());
		wrong++;
		return;
	}
	snprintf(path, sizeof path, "%s/%s.cases", dir, base);
	f = fopen(path, "r");
	while (f && (n = getline(&line, &cap, f)) > 0) {
		line[n - 1] = '\0';
		play(d, line, path);
	}
	if (f)
		fclose(f);
	free(line);
	dns_close(&d);
}

int main(int argc, char **argv)
{
	struct dirent **list = NULL;
	int n = argc == 2 ? scandir(argv[1], &list, NULL, alphasort) : -1;

	for (int i = 0; i < n; i++) {
		size_t len = strlen(list[i]->d_name);

		if (len > 5 && strcmp(list[i]->d_name + len - 5, ".zone") == 0) {
			list[i]->d_name[len - 5] = '\0';
			scenario(argv[1], list[i]->d_name);
		}
		free(list[i]);
	}
	free(list);
	printf("%d of %d\n", total - wrong, total);
	return wrong || n < 0;
}
