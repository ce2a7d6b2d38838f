/*
 * libopendkim as a second opinion, and as something to be faster than. It exports names that ours has, too: nothing of
 * libweir is linked here.
 *	opendkim verify ZONE MESSAGE...			a line for each signature: file, number, pass or fail
 *	opendkim sign DOMAIN SELECTOR KEY MESSAGE	the signed message on stdout; a key file named ed.pem is Ed25519
 *	opendkim time-verify ZONE N MESSAGE		microseconds for each of N verifications
 *	opendkim time-sign DOMAIN SELECTOR KEY N MESSAGE
 * ZONE: lines of weir-sign --records. Messages are given CRLF.
 */
#include <opendkim/dkim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct { char name[512], text[4096]; } zone[256];
static size_t zone_n;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The file with CRLF. */
static unsigned char *load(const char *path, size_t *len_out, int crlf)
{
	FILE *f = fopen(path, "rb");
	unsigned char *p = malloc(64 << 20);
	size_t n = 0;
	int c, last = 0;

	if (!f || !p)
		die(path);
	while ((c = getc(f)) != EOF && n < (64 << 20) - 2) {
		if (crlf && c == '\n' && last != '\r')
			p[n++] = '\r';
		p[n++] = (unsigned char)c;
		last = c;
	}
	fclose(f);
	p[n] = '\0';
	*len_out = n;
	return p;
}

static void load_zone(const char *path)
{
	size_t len;
	char *p = (char *)load(path, &len, 0), *line, *save = NULL;

	for (line = strtok_r(p, "\n", &save); line && zone_n < 256; line = strtok_r(NULL, "\n", &save)) {
		char *q = line;

		if (sscanf(line, "%511s", zone[zone_n].name) != 1)
			continue;
		while ((q = strchr(q, '"')) != NULL) {
			size_t n = strcspn(q + 1, "\"");

			strncat(zone[zone_n].text, q + 1, n);
			q += n + 2;
		}
		zone_n++;
	}
	free(p);
}

static DKIM_CBSTAT lookup(DKIM *d, DKIM_SIGINFO *sig, unsigned char *buf, size_t size)
{
	char name[600];

	snprintf(name, sizeof(name), "%s._domainkey.%s.", dkim_sig_getselector(sig), dkim_sig_getdomain(sig));
	for (size_t i = 0; i < zone_n; i++)
		if (strcasecmp(zone[i].name, name) == 0) {
			snprintf((char *)buf, size, "%s", zone[i].text);
			return DKIM_CBSTAT_CONTINUE;
		}
	return DKIM_CBSTAT_NOTFOUND;
}

static void feed(DKIM *d, unsigned char *p, size_t n)
{
	if (dkim_chunk(d, p, n) != DKIM_STAT_OK)
		return;	/* what it thinks of it comes at the end */
	dkim_chunk(d, NULL, 0);
}

static void verify(DKIM_LIB *lib, const char *name, unsigned char *p, size_t n)
{
	DKIM_STAT st;
	DKIM *d = dkim_verify(lib, (unsigned char *)"x", NULL, &st);
	DKIM_SIGINFO **sigs = NULL;
	_Bool test = 0;
	int count = 0;

	feed(d, p, n);
	dkim_eom(d, &test);
	dkim_getsiglist(d, &sigs, &count);
	for (int i = 0; i < count; i++) {
		dkim_sig_process(d, sigs[i]);
		if (name)
			printf("%s\t%d\t%s\n", name, i + 1, (dkim_sig_getflags(sigs[i]) & DKIM_SIGFLAG_PASSED) &&
				dkim_sig_getbh(sigs[i]) == DKIM_SIGBH_MATCH ? "pass" : "fail");
	}
	if (name && count == 0)
		printf("%s\t0\tnone\n", name);
	dkim_free(d);
}

static void sign(DKIM_LIB *lib, char **arg, unsigned char *key, unsigned char *p, size_t n, int print)
{
	DKIM_STAT st;
	unsigned char *value = NULL;
	size_t len = 0;
	DKIM *d = dkim_sign(lib, (unsigned char *)"x", NULL, key, (unsigned char *)arg[1], (unsigned char *)arg[0],
		DKIM_CANON_RELAXED, DKIM_CANON_RELAXED, strstr(arg[2], "ed.pem") ? DKIM_SIGN_ED25519SHA256 : DKIM_SIGN_RSASHA256, -1, &st);

	if (!d)
		die("dkim_sign");
	feed(d, p, n);
	if (dkim_eom(d, NULL) != DKIM_STAT_OK || dkim_getsighdr_d(d, 16, &value, &len) != DKIM_STAT_OK) {
		fprintf(stderr, "opendkim: %s\n", dkim_geterror(d) ? dkim_geterror(d) : "not signed");
		exit(1);
	}
	if (print) {
		printf("DKIM-Signature: %s\r\n", value);
		fwrite(p, 1, n, stdout);
	}
	dkim_free(d);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	DKIM_LIB *lib = dkim_init(NULL, NULL);
	unsigned char *p, *key;
	size_t len, unused;
	double begin;

	if (!lib || argc < 4)
		return 64;
	if (strstr(argv[1], "verify")) {
		dkim_set_key_lookup(lib, lookup);
		load_zone(argv[2]);
	}
	if (strcmp(argv[1], "verify") == 0) {
		for (int i = 3; i < argc; i++) {
			p = load(argv[i], &len, 1);
			verify(lib, argv[i], p, len);
			free(p);
		}
	} else if (strcmp(argv[1], "sign") == 0 && argc == 6) {
		key = load(argv[4], &unused, 0);
		p = load(argv[5], &len, 1);
		sign(lib, argv + 2, key, p, len, 1);
	} else if (strcmp(argv[1], "time-verify") == 0 && argc == 5) {
		p = load(argv[4], &len, 1);
		begin = seconds();
		for (int i = 0; i < atoi(argv[3]); i++)
			verify(lib, NULL, p, len);
		printf("%.2f\n", (seconds() - begin) * 1e6 / atoi(argv[3]));
	} else if (strcmp(argv[1], "time-sign") == 0 && argc == 7) {
		key = load(argv[4], &unused, 0);
		p = load(argv[6], &len, 1);
		begin = seconds();
		for (int i = 0; i < atoi(argv[5]); i++)
			sign(lib, argv + 2, key, p, len, 0);
		printf("%.2f\n", (seconds() - begin) * 1e6 / atoi(argv[5]));
	} else {
		return 64;
	}
	dkim_close(lib);
	return 0;
}
