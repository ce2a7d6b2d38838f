/* lib/record: one line, the loop around it, splicing, limits, flushing before waiting. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"
#include "cli.h"
#include "record.h"

static enum status parse(const char *line)
{
	struct rec rec;

	return rec_parse(&rec, line, strlen(line));
}

static void a_record_is_an_object_that_begins_with_its_version(void)
{
	CHECK(parse("{\"weir\":1}") == ST_OK);
	CHECK(parse(" { \"weir\" : 1 , \"x\" : {} } \r") == ST_OK);
	CHECK(parse("{\"id\":\"a\",\"weir\":1}") == ST_BAD);
	CHECK(parse("{}") == ST_BAD);
	CHECK(parse("[]") == ST_BAD);
	CHECK(parse("") == ST_BAD);
	CHECK(parse("{\"weir\":0}") == ST_BAD);
	CHECK(parse("{\"weir\":\"1\"}") == ST_BAD);
	CHECK(parse("{\"weir\":1.0}") == ST_BAD);
	CHECK(parse("{\"weir\":2}") == ST_BAD && strstr(st_text(), "newer"));
	CHECK(parse("{\"weir\":1}{\"weir\":1}") == ST_BAD);
}

static void a_repeated_or_disguised_key_is_refused(void)
{
	CHECK(parse("{\"weir\":1,\"scan\":1,\"scan\":2}") == ST_BAD);
	CHECK(parse("{\"weir\":1,\"weir\":1}") == ST_BAD);
	CHECK(parse("{\"weir\":1,\"sc\\u0061n\":1}") == ST_BAD);
	CHECK(parse("{\"weir\":1,\"x\":{\"a\":1,\"a\":1}}") == ST_BAD);
}

static void keys_at_and_above_the_limit(void)
{
	struct buf b = { 0 };
	struct rec rec;
	int n, i;

	for (n = RECORD_MAX_KEYS - 1; n <= RECORD_MAX_KEYS + 1; n++) {
		buf_clear(&b);
		buf_str(&b, "{\"weir\":1");
		for (i = 1; i < n; i++)
			buf_fmt(&b, ",\"k%d\":%d", i, i);
		buf_chr(&b, '}');
		CHECK(rec_parse(&rec, b.p, b.len) == (n <= RECORD_MAX_KEYS ? ST_OK : ST_LIMIT));
	}
	CHECK(strstr(st_text(), "RECORD_MAX_KEYS"));
	buf_free(&b);
}

static void values_are_found_by_path(void)
{
	const char *line = "{\"weir\":1,\"scan\":{\"verdict\":\"clean\"},\"id\":\"0123456789abcdef\"}";
	struct rec rec;

	CHECK(rec_parse(&rec, line, strlen(line)) == ST_OK);
	CHECK(json_is(rec_get(&rec, "scan.verdict"), "clean"));
	CHECK(!rec_get(&rec, "scan.x").p && !rec_get(&rec, "sca").p && !rec_get(&rec, "").p);
	CHECK_STR(rec_label(&rec), "0123456789ab");
	CHECK(!rec_stopped(&rec));
	line = "{\"weir\":1,\"id\":\"x\",\"spool\":{\"name\":\"inbox%2Fab\"},\"hold\":{}}";
	CHECK(rec_parse(&rec, line, strlen(line)) == ST_OK);
	CHECK_STR(rec_label(&rec), "inbox%2Fab");
	CHECK(rec_stopped(&rec));
	line = "{\"weir\":1}";
	CHECK(rec_parse(&rec, line, strlen(line)) == ST_OK);
	rec.number = 7;
	CHECK_STR(rec_label(&rec), "line 7");
}

/* ---- through pipes ---- */

struct pair { int in[2], out[2]; struct rec_io *io; };

static void pair_open(struct pair *p)
{
	CHECK(pipe(p->in) == 0 && pipe(p->out) == 0);
	CHECK(rec_io_open(p->in[0], p->out[1], &p->io) == ST_OK);
}

static void pair_close(struct pair *p)
{
	rec_io_close(&p->io);
	CHECK(p->io == NULL);
	close(p->in[0]);
	close(p->out[0]);
	close(p->out[1]);
}

static void feed(struct pair *p, const char *s, size_t n)
{
	CHECK(write(p->in[1], s, n) == (ssize_t)n);
}

static const char *taken(struct pair *p)
{
	static char text[65536];
	ssize_t n = 0;

	if (poll(&(struct pollfd){ .fd = p->out[0], .events = POLLIN }, 1, 0) > 0)
		n = read(p->out[0], text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void any_split_gives_the_same_records(void)
{
	const char *text = "{\"weir\":1,\"id\":\"a\"}\n\n{\"weir\":1,\"id\":\"\xc3\xa9\"}\nno\n{\"weir\":1,\"id\":\"c\"}";
	size_t len = strlen(text), at;

	for (at = 0; at <= len; at++) {
		static const enum status want[] = { ST_OK, ST_BAD, ST_OK, ST_BAD, ST_OK, ST_END, ST_END };
		struct pair p;
		struct rec rec;
		size_t i = 0;

		pair_open(&p);
		feed(&p, text, at);
		while (memchr(text, '\n', at) && i < 7 && rec_ready(p.io))
			CHECK(rec_next(p.io, &rec) == want[i++]);
		feed(&p, text + at, len - at);
		close(p.in[1]);
		for (; i < 7; i++)
			CHECK(rec_next(p.io, &rec) == want[i]);
		pair_close(&p);
	}
}

static void a_bad_line_is_named_by_its_number(void)
{
	struct pair p;
	struct rec rec;

	pair_open(&p);
	feed(&p, "{\"weir\":1}\n{\"weir\":1\n", 22);
	close(p.in[1]);
	CHECK(rec_next(p.io, &rec) == ST_OK && rec.number == 1);
	CHECK(rec_next(p.io, &rec) == ST_BAD);
	CHECK(!strncmp(st_text(), "line 2: ", 8));
	pair_close(&p);
}

static void output_goes_out_before_we_wait(void)
{
	struct pair p;
	struct rec rec;

	pair_open(&p);
	feed(&p, "{\"weir\":1}\n{\"weir\":1,\"b\":2}\n{\"weir\":1", 37);
	CHECK(rec_ready(p.io));
	CHECK(rec_next(p.io, &rec) == ST_OK);
	CHECK(rec_emit(p.io, &rec, "\"x\":1", 5) == ST_OK);
	CHECK_STR(taken(&p), "");
	CHECK(rec_ready(p.io));
	CHECK(rec_next(p.io, &rec) == ST_OK);
	CHECK_STR(taken(&p), "");
	CHECK(rec_emit(p.io, &rec, "", 0) == ST_OK);
	CHECK(!rec_ready(p.io));	/* half a line is nothing to go on with */
	CHECK(rec_get(&rec, "b").p && rec_get(&rec, "b").p[0] == '2');
	if (fork() == 0) {	/* will wait for the rest: the output must be there by then */
		close(p.in[1]);
		rec_next(p.io, &rec);
		_exit(0);
	}
	CHECK(poll(&(struct pollfd){ .fd = p.out[0], .events = POLLIN }, 1, 5000) == 1);
	CHECK_STR(taken(&p), "{\"weir\":1,\"x\":1}\n{\"weir\":1,\"b\":2}\n");
	close(p.in[1]);
	wait(NULL);
	pair_close(&p);
}

static void splicing_keeps_every_foreign_byte(void)
{
	const char *line = "{ \"weir\":1 ,\"z\":[ 1.50,\"\\u00e9\" ] }";
	struct pair p;
	struct rec rec;

	pair_open(&p);
	close(p.in[1]);
	CHECK(rec_parse(&rec, line, strlen(line)) == ST_OK);
	CHECK(rec_emit(p.io, &rec, "\"a\":{\"b\":[]},\"c\":2", 18) == ST_OK);
	CHECK(rec_emit(p.io, &rec, "\"z\":1", 5) == ST_BUG);
	CHECK(rec_emit(p.io, &rec, "\"y\"", 3) == ST_BUG);
	CHECK(rec_emit(p.io, &rec, "y", 1) == ST_BUG);
	CHECK(rec_emit(p.io, &rec, "\"y\":1}", 6) == ST_BUG);
	CHECK(rec_emit(p.io, &rec, "\"y\":1,\"y\":2", 11) == ST_BUG);
	CHECK(rec_flush(p.io) == ST_OK);
	CHECK_STR(taken(&p), "{ \"weir\":1 ,\"z\":[ 1.50,\"\\u00e9\" ] ,\"a\":{\"b\":[]},\"c\":2}\n");
	pair_close(&p);
}

/* The longest line, one more byte, and a line after that; by way of a file. */
static void length_at_and_above_the_limit(void)
{
	static const size_t lengths[] = { RECORD_MAX_BYTES - 1, RECORD_MAX_BYTES,
		RECORD_MAX_BYTES + 1, 3 * RECORD_MAX_BYTES };
	char *text = malloc(3 * RECORD_MAX_BYTES + 32);
	struct rec rec;
	size_t i;

	for (i = 0; i < 4; i++) {
		FILE *f = tmpfile();
		struct rec_io *io = NULL;
		size_t len = lengths[i];

		memset(text, 'x', len);
		memcpy(text, "{\"weir\":1,\"x\":\"", 15);
		memcpy(text + len - 2, "\"}\n{\"weir\":1}\n", 14);
		fwrite(text, 1, len + 12, f);
		rewind(f);
		CHECK(rec_io_open(fileno(f), -1, &io) == ST_OK);
		CHECK(rec_next(io, &rec) == (len <= RECORD_MAX_BYTES ? ST_OK : ST_LIMIT));
		if (len == RECORD_MAX_BYTES)
			CHECK(rec_emit(io, &rec, "\"a\":1", 5) == ST_LIMIT);
		CHECK(rec_next(io, &rec) == ST_OK && rec.len == 10 && rec.number == 2);
		CHECK(rec_next(io, &rec) == ST_END);
		rec_io_close(&io);
		fclose(f);
	}
	free(text);
}

static void a_failed_write_is_remembered(void)
{
	int full = open("/dev/full", O_WRONLY);
	struct rec_io *io = NULL;
	struct rec rec;

	CHECK(rec_parse(&rec, "{\"weir\":1}", 10) == ST_OK);
	CHECK(rec_io_open(0, full, &io) == ST_OK);
	CHECK(rec_emit(io, &rec, "", 0) == ST_OK);
	CHECK(rec_flush(io) == ST_IO && rec_failed(io));
	CHECK(rec_flush(io) == ST_IO);
	CHECK(rec_emit(io, &rec, "", 0) == ST_OK || rec_failed(io));
	CHECK(rec_io_close(&io) == ST_IO);
	close(full);
}

/* ---- failures ---- */

static void each_failure_has_its_word(void)
{
	static const struct { enum status st; const char *want; int exit; } table[] = {
		{ ST_BAD, ",\"quarantine\":{\"by\":\"p\",\"reason\":\"unusable\",\"detail\":\"why\"}}\n", 65 },
		{ ST_LIMIT, ",\"quarantine\":{\"by\":\"p\",\"reason\":\"limit\",\"detail\":\"why\"}}\n", 65 },
		{ ST_BUG, ",\"quarantine\":{\"by\":\"p\",\"reason\":\"bug\",\"detail\":\"why\"}}\n", 70 },
		{ ST_NOTFOUND, ",\"quarantine\":{\"by\":\"p\",\"reason\":\"not_found\",\"detail\":\"why\"}}\n", 65 },
		{ ST_AGAIN, ",\"hold\":{\"by\":\"p\",\"reason\":\"again\",\"detail\":\"why\",\"retry_s\":0}}\n", 75 },
		{ ST_NOMEM, ",\"hold\":{\"by\":\"p\",\"reason\":\"memory\",\"detail\":\"why\",\"retry_s\":0}}\n", 75 },
		{ ST_DENIED, ",\"hold\":{\"by\":\"p\",\"reason\":\"denied\",\"detail\":\"why\",\"retry_s\":0}}\n", 74 },
		{ ST_SERVICE, ",\"hold\":{\"by\":\"p\",\"reason\":\"service\",\"detail\":\"why\"}}\n", 69 },
	};
	struct buf extra = { 0 };
	struct pair p;
	struct rec rec;
	size_t i;

	pair_open(&p);
	close(p.in[1]);
	CHECK(rec_parse(&rec, "{\"weir\":1}", 10) == ST_OK);
	for (i = 0; i < sizeof table / sizeof *table; i++) {
		buf_clear(&extra);
		buf_str(&extra, "\"half\":");	/* what a failing stage left is dropped */
		st_fail(ST_OK, "why");
		CHECK(rec_finish(p.io, "p", &rec, table[i].st, &extra) == table[i].exit);
		rec_flush(p.io);
		CHECK_STR(taken(&p) + 9, table[i].want);
	}
	buf_clear(&extra);
	rec_quarantine(&extra, "p", "r", "d\xff");
	CHECK(rec_finish(p.io, "p", &rec, ST_OK, &extra) == 65);
	buf_clear(&extra);
	rec_hold(&extra, "p", "r", "d", 3600);
	CHECK(rec_finish(p.io, "p", &rec, ST_OK, &extra) == 0);
	rec_flush(p.io);
	CHECK(strstr(taken(&p), "\"retry_s\":3600"));
	buf_free(&extra);
	pair_close(&p);
}

int main(void)
{
	cli_start("record", "usage: record\n");
	stderr = fdopen(dup(2), "w");	/* ours; what the library says goes nowhere */
	CHECK(freopen("/dev/null", "r", stdin) && dup2(open("/dev/null", O_WRONLY), 2) == 2);
	a_record_is_an_object_that_begins_with_its_version();
	a_repeated_or_disguised_key_is_refused();
	keys_at_and_above_the_limit();
	values_are_found_by_path();
	any_split_gives_the_same_records();
	a_bad_line_is_named_by_its_number();
	output_goes_out_before_we_wait();
	splicing_keeps_every_foreign_byte();
	length_at_and_above_the_limit();
	a_failed_write_is_remembered();
	each_failure_has_its_word();
	return CHECK_DONE();
}
