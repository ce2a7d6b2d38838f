/* What a record costs: checked, passed through a filter that adds a key, and through a pool of one worker. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "cli.h"
#include "pool.h"

#define RECORDS 100000

struct moment { double wall, cpu; };

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static struct moment now(void)
{
	struct timespec t;
	struct rusage own, workers;

	clock_gettime(CLOCK_MONOTONIC, &t);
	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &workers);
	return (struct moment){ (double)t.tv_sec + (double)t.tv_nsec / 1e9, seconds(own.ru_utime) +
		seconds(own.ru_stime) + seconds(workers.ru_utime) + seconds(workers.ru_stime) };
}

static void told(const char *what, struct moment begun)
{
	struct moment end = now();

	fprintf(stderr, "%-36s %6.2f us, %6.2f us of processor time\n", what,
		(end.wall - begun.wall) * 1e6 / RECORDS, (end.cpu - begun.cpu) * 1e6 / RECORDS);
}

static void add_parts(struct buf *b)
{
	int i;

	json_open(b, "parts", '[');
	for (i = 1; i <= 6; i++) {
		json_open(b, NULL, '{');
		json_cstr(b, "part", "1");
		json_cstr(b, "kind", "leaf");
		json_cstr(b, "content_type", "text/plain");
		json_cstr(b, "filename", "Angebot f\xc3\xbcr M\xc3\xa4rz.pdf");
		json_cstr(b, "encoding", "base64");
		json_int(b, "size", 123456);
		json_close(b, '}');
	}
	json_close(b, ']');
}

/* About 2 KB, like those of weir-parse -r. */
static void make_record(struct buf *b)
{
	int i;

	json_open(b, NULL, '{');
	json_int(b, "weir", RECORD_VERSION);
	json_cstr(b, "id", "36193efbcc5ce6ee0456575211a733a0fbe9180ddfb9f7d49055706d01661ce8");
	json_open(b, "message", '{');
	json_cstr(b, "subject", "Gr\xc3\xbc\xc3\x9f""e aus M\xc3\xbcnchen, \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e");
	json_open(b, "references", '[');
	for (i = 0; i < 8; i++)
		json_cstr(b, NULL, "20261120091502.12345.message@mail.example");
	json_close(b, ']');
	json_open(b, "to", '[');
	for (i = 0; i < 6; i++) {
		json_open(b, NULL, '{');
		json_cstr(b, "name", "Stadtwerke Lindental");
		json_cstr(b, "address", "info@service.stadtwerke-lindental.example");
		json_close(b, '}');
	}
	json_close(b, ']');
	json_cstr(b, "preview", "Sehr geehrte Damen und Herren, anbei das gew\xc3\xbcnschte Angebot. Bitte "
		"geben Sie uns bis Ende der Woche Bescheid, ob wir liefern sollen. Mit freundlichen");
	json_close(b, '}');
	add_parts(b);
	json_close(b, '}');
}

static enum status each(void *arg, const struct rec *rec, struct buf *extra)
{
	json_open(extra, "auth", '{');
	json_cstr(extra, "source", "none");
	json_close(extra, '}');
	return ST_OK;
}

static void failed(void *arg, const struct rec *rec, enum pool_failure why, int detail, struct buf *extra)
{
	rec_hold(extra, "bench", "crash", "", 0);
}

int main(void)
{
	struct pool_opts pool = { .prog = "bench", .workers = 1, .each = each, .failed = failed };
	struct buf line = { 0 };
	FILE *f = tmpfile();
	struct moment begun;
	int i, status = 0;

	cli_start("record", "usage: record\n");
	make_record(&line);
	fprintf(stderr, "a record of %zu bytes:\n", line.len);
	begun = now();
	for (i = 0; i < RECORDS; i++)
		status |= json_valid(line.p, line.len);
	told("json_valid", begun);
	buf_chr(&line, '\n');
	for (i = 0; f && i < RECORDS; i++)
		fwrite(line.p, 1, line.len, f);
	if (!f || fflush(f) != 0 || dup2(fileno(f), 0) < 0 || dup2(open("/dev/null", O_WRONLY), 1) < 0)
		return 1;
	lseek(0, 0, SEEK_SET);
	begun = now();
	status |= rec_filter("bench", each, NULL);
	told("a filter that adds its key", begun);
	lseek(0, 0, SEEK_SET);
	begun = now();
	status |= pool_run(&pool);
	told("the same in a pool of one worker", begun);
	return status;
}
