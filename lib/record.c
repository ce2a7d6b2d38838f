/* record.c - see record.h */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"
#include "file.h"
#include "record.h"

#define IO_BYTES (128u << 10)	/* room of both buffers; a longer line makes input grow */

struct rec_io {
	int in_fd, out_fd;
	char *in;
	size_t begin, seen, end, cap;	/* in[begin..end) is unread; no '\n' before seen */
	size_t number;			/* lines handed out */
	bool eof, skipping;		/* skipping: inside a line that is too long */
	enum status in_failed, out_failed;
	char *out;
	size_t out_len;
};

/* ---- one record ---- */

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum status rec_parse(struct rec *rec, const char *line, size_t len)
{
	enum status st;
	int64_t version;
	size_t i;

	if (len > RECORD_MAX_BYTES)
		return st_fail(ST_LIMIT, "longer than RECORD_MAX_BYTES (%u)", RECORD_MAX_BYTES);
	while (len > 0 && blank(line[len - 1]))
		len--;
	while (len > 0 && blank(*line)) {
		line++;
		len--;
	}
	rec->line = line;
	rec->len = len;
	rec->number = 0;
	st = json_object(line, len, rec->key, RECORD_MAX_KEYS, &rec->keys);
	if (st == ST_LIMIT && rec->keys == RECORD_MAX_KEYS)
		return st_fail(ST_LIMIT, "more than RECORD_MAX_KEYS (%d) keys", RECORD_MAX_KEYS);
	if (st != ST_OK)
		return st;
	if (rec->keys == 0 || rec->key[0].key.len != 4 || memcmp(rec->key[0].key.p, "weir", 4))
		return st_fail(ST_BAD, "no record: the first key is not \"weir\"");
	if (!json_get_int(rec->key[0].value, &version) || version < 1)
		return st_fail(ST_BAD, "no record: \"weir\" is no version");
	if (version > RECORD_VERSION)
		return st_fail(ST_BAD, "record version %lld is newer than %d, all that this weir knows",
			(long long)version, RECORD_VERSION);
	for (i = 1; i < rec->keys; i++)
		if (memchr(rec->key[i].key.p, '\\', rec->key[i].key.len))
			return st_fail(ST_BAD, "a key of the record is written with escapes");
	return ST_OK;
}

static struct span top(const struct rec *rec, const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < rec->keys; i++)
		if (rec->key[i].key.len == n && memcmp(rec->key[i].key.p, name, n) == 0)
			return rec->key[i].value;
	return (struct span){ 0 };
}

struct span rec_get(const struct rec *rec, const char *path)
{
	size_t n = strcspn(path, ".");
	struct span v = top(rec, path, n);

	return path[n] ? json_get(v, path + n + 1) : v;
}

const char *rec_label(const struct rec *rec)
{
	static char label[256];
	struct span name = rec_get(rec, "spool.name");
	struct buf text = { 0 };

	if (json_text(name, &text) && text.len)
		snprintf(label, sizeof label, "%s", buf_cstr(&text));
	else if (json_text(rec_get(rec, "id"), &text) && text.len)
		snprintf(label, sizeof label, "%.12s", buf_cstr(&text));
	else
		snprintf(label, sizeof label, "line %zu", rec->number);
	buf_free(&text);
	return label;
}

bool rec_stopped(const struct rec *rec)
{
	return top(rec, "hold", 4).p || top(rec, "quarantine", 10).p;
}

/* ---- reading ---- */

enum status rec_io_open(int in_fd, int out_fd, struct rec_io **io_out)
{
	struct rec_io *io = calloc(1, sizeof *io);

	if (io) {
		io->in_fd = in_fd;
		io->out_fd = out_fd;
		io->cap = IO_BYTES;
		io->in = malloc(io->cap);
		io->out = malloc(IO_BYTES);
	}
	if (!io || !io->in || !io->out) {
		if (io) {
			free(io->in);
			free(io->out);
		}
		free(io);
		return st_fail(ST_NOMEM, "out of memory");
	}
	*io_out = io;
	return ST_OK;
}

enum status rec_io_close(struct rec_io **io)
{
	enum status st = ST_OK;

	if (*io) {
		st = rec_flush(*io);
		free((*io)->in);
		free((*io)->out);
		free(*io);
		*io = NULL;
	}
	return st;
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static char *find_newline(struct rec_io *io)
{
	char *nl = memchr(io->in + io->seen, '\n', io->end - io->seen);

	io->seen = nl ? (size_t)(nl - io->in) : io->end;
	return nl;
}

/* Reads what there is into the room behind the unread bytes. */
static void take_in(struct rec_io *io)
{
	ssize_t n;

	do {
		n = read(io->in_fd, io->in + io->end, io->cap - io->end);
		if (n < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = io->in_fd, .events = POLLIN }, 1, -1);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0) {
		st_fail_errno("read records");
		io->in_failed = ST_IO;
	} else if (n == 0) {
		io->eof = true;
	} else {
		io->end += (size_t)n;
	}
}

/* Moves the unread bytes to the front; more room if they fill the buffer. */
static enum status make_room(struct rec_io *io)
{
	char *p;

	if (io->begin > 0) {
		memmove(io->in, io->in + io->begin, io->end - io->begin);
		io->end -= io->begin;
		io->seen -= io->begin;
		io->begin = 0;
	}
	if (io->end < io->cap / 2)
		return ST_OK;
	p = realloc(io->in, io->cap * 2);
	if (!p)
		return st_fail(ST_NOMEM, "out of memory");
	io->in = p;
	io->cap *= 2;
	return ST_OK;
}

/* More input, at whatever price: other people's output goes out first. */
static enum status more_input(struct rec_io *io)
{
	enum status st;

	if (io->in_failed)
		return io->in_failed;
	if (io->end - io->begin > RECORD_MAX_BYTES) {	/* its newline is not in sight */
		io->skipping = true;
		io->begin = io->seen = io->end = 0;
	}
	st = make_room(io);
	if (st != ST_OK)
		return st;
	if (io->out_len > 0 && !readable(io->in_fd)) {
		st = rec_flush(io);
		if (st != ST_OK)
			return st;
	}
	take_in(io);
	return io->in_failed;
}

static enum status line_fail(struct rec_io *io, enum status st)
{
	return st_fail(st, "line %zu: %s", io->number, st_text());
}

enum status rec_next(struct rec_io *io, struct rec *rec)
{
	const char *line, *nl;
	enum status st;
	size_t len;

	for (;;) {
		nl = find_newline(io);
		if (nl || io->eof)
			break;
		st = more_input(io);
		if (st != ST_OK)
			return st;
	}
	if (!nl && io->begin == io->end && !io->skipping)
		return ST_END;
	line = io->in + io->begin;
	len = (nl ? (size_t)(nl - io->in) : io->end) - io->begin;
	io->begin += len + (nl != NULL);
	io->seen = io->begin;
	io->number++;
	if (io->skipping) {
		io->skipping = false;
		return st_fail(ST_LIMIT, "line %zu: longer than RECORD_MAX_BYTES (%u)",
			io->number, RECORD_MAX_BYTES);
	}
	st = rec_parse(rec, line, len);
	rec->number = io->number;
	return st == ST_OK ? ST_OK : line_fail(io, st);
}

/* Reads ahead only into room that is there: nothing a struct rec points to
 * may move. Where there is none, "something waits" has to do. */
bool rec_ready(struct rec_io *io)
{
	for (;;) {
		if (find_newline(io) || io->eof || io->in_failed)
			return true;
		if (!readable(io->in_fd))
			return false;
		if (io->end == io->cap)
			return true;
		take_in(io);
	}
}

/* ---- writing ---- */

enum status rec_flush(struct rec_io *io)
{
	size_t n = io->out_len;

	io->out_len = 0;
	if (io->out_failed == ST_OK && n > 0 && io->out_fd >= 0)
		io->out_failed = file_write_all(io->out_fd, io->out, n);
	return io->out_failed;
}

bool rec_failed(const struct rec_io *io)
{
	return io->out_failed != ST_OK;
}

static enum status put(struct rec_io *io, const char *p, size_t n)
{
	if (n > IO_BYTES - io->out_len && rec_flush(io) != ST_OK)
		return io->out_failed;
	if (n <= IO_BYTES - io->out_len) {
		memcpy(io->out + io->out_len, p, n);
		io->out_len += n;
	} else if (io->out_fd >= 0) {
		io->out_failed = file_write_all(io->out_fd, p, n);
	}
	return io->out_failed;
}

static bool among(const struct span *keys, size_t n, struct span key)
{
	while (n-- > 0)
		if (keys[n].len == key.len && memcmp(keys[n].p, key.p, key.len) == 0)
			return true;
	return false;
}

/* Whether extra is members that rec has none of, and nothing else. */
static enum status check_extra(const struct rec *rec, const char *extra, size_t len)
{
	struct span it = { extra, len }, key, val, keys[RECORD_MAX_KEYS];
	size_t n = 0;

	while (json_member(&it, &key, &val)) {
		if (top(rec, key.p, key.len).p || among(keys, n, key))
			return st_fail(ST_BUG, "the record has a key \"%.*s\" already",
				(int)(key.len < 40 ? key.len : 40), key.p);
		if (rec->keys + n == RECORD_MAX_KEYS)
			return st_fail(ST_LIMIT, "more than RECORD_MAX_KEYS (%d) keys", RECORD_MAX_KEYS);
		keys[n++] = key;
	}
	if (it.len != 0)
		return st_fail(ST_BUG, "what is to be added is no list of JSON members");
	return ST_OK;
}

enum status rec_emit(struct rec_io *io, const struct rec *rec, const char *extra, size_t extra_len)
{
	return rec_emit_replaced(io, rec, (struct span){ 0 }, "", 0, extra, extra_len);
}

enum status rec_emit_replaced(struct rec_io *io, const struct rec *rec, struct span old,
	const char *text, size_t len, const char *extra, size_t extra_len)
{
	size_t before = old.p ? (size_t)(old.p - rec->line) : 0, after = before + old.len;
	enum status st = extra_len > 0 ? check_extra(rec, extra, extra_len) : ST_OK;

	if (st != ST_OK)
		return st;
	if (!old.p)
		len = 0;
	if (len > RECORD_MAX_BYTES || extra_len > RECORD_MAX_BYTES
			|| rec->len - old.len + len + extra_len + 1 > RECORD_MAX_BYTES)
		return st_fail(ST_LIMIT, "longer than RECORD_MAX_BYTES (%u)", RECORD_MAX_BYTES);
	if (old.p) {
		st = put(io, rec->line, before);
		if (st == ST_OK)
			st = put(io, text, len);
	}
	if (st == ST_OK)
		st = put(io, rec->line + after, rec->len - after - 1);
	if (st == ST_OK && extra_len > 0)
		st = put(io, ",", 1);
	if (st == ST_OK)
		st = put(io, extra, extra_len);
	return st == ST_OK ? put(io, "}\n", 2) : st;
}

enum status rec_emit_line(struct rec_io *io, const char *line, size_t len)
{
	enum status st;

	if (len > RECORD_MAX_BYTES)
		return st_fail(ST_LIMIT, "longer than RECORD_MAX_BYTES (%u)", RECORD_MAX_BYTES);
	st = put(io, line, len);
	return st == ST_OK ? put(io, "\n", 1) : st;
}

/* ---- stopping a record ---- */

static void stop(struct buf *extra, const char *what, const char *by, const char *reason,
	const char *detail, long retry_s)
{
	json_open(extra, what, '{');
	json_cstr(extra, "by", by);
	json_cstr(extra, "reason", reason);
	json_cstr(extra, "detail", detail);
	if (retry_s)
		json_int(extra, "retry_s", retry_s == REC_NEXT_RUN ? 0 : retry_s);
	json_close(extra, '}');
}

void rec_hold(struct buf *extra, const char *by, const char *reason, const char *detail,
	long retry_s)
{
	stop(extra, "hold", by, reason, detail, retry_s);
}

void rec_quarantine(struct buf *extra, const char *by, const char *reason, const char *detail)
{
	stop(extra, "quarantine", by, reason, detail, 0);
}

void rec_failure(struct buf *extra, const char *by, enum status st)
{
	static const struct { enum status st; bool hold; const char *reason; long retry_s; } words[] = {
		{ ST_AGAIN, true, "again", REC_NEXT_RUN }, { ST_NOMEM, true, "memory", REC_NEXT_RUN },
		{ ST_IO, true, "io", REC_NEXT_RUN }, { ST_DENIED, true, "denied", REC_NEXT_RUN },
		{ ST_SERVICE, true, "service", 0 }, { ST_CONFIG, true, "config", 0 }, { ST_NOTFOUND, false, "not_found", 0 },
		{ ST_EXISTS, false, "exists", 0 }, { ST_BAD, false, "unusable", 0 },
		{ ST_LIMIT, false, "limit", 0 }, { ST_BUG, false, "bug", 0 },
	};
	size_t i = 0;

	while (i < sizeof words / sizeof *words - 1 && words[i].st != st)
		i++;
	buf_clear(extra);
	if (words[i].hold)
		rec_hold(extra, by, words[i].reason, st_text(), words[i].retry_s);
	else
		rec_quarantine(extra, by, words[i].reason, st_text());
}

/* ---- the loop ---- */

static bool has_quarantine(const struct buf *extra)
{
	struct span it = { extra->p, extra->len }, key, val;

	while (json_member(&it, &key, &val))
		if (key.len == 10 && memcmp(key.p, "quarantine", 10) == 0)
			return true;
	return false;
}

int rec_finish(struct rec_io *io, const char *prog, const struct rec *rec, enum status st,
	struct buf *extra)
{
	int worst = 0;

	if (st == ST_OK && !buf_ok(extra))
		st = st_fail(ST_NOMEM, "out of memory");
	if (st == ST_OK)
		st = rec_emit(io, rec, extra->p ? extra->p : "", extra->len);
	if (st == ST_OK)
		return has_quarantine(extra) ? EX_WEIR_DATA : EX_WEIR_OK;
	if (io->out_failed)
		return cli_fail(ST_IO, "write records");
	worst = cli_fail(st, rec_label(rec));
	rec_failure(extra, prog, st);
	st = rec_emit(io, rec, extra->p ? extra->p : "", extra->len);
	if (st == ST_OK)
		return worst;
	/* Too long even for the reason why: it goes on as it came, and the next
	 * stage will find what is missing. */
	st = rec_emit(io, rec, "", 0);
	return st == ST_OK ? worst : st_worse(worst, cli_fail(ST_IO, "write records"));
}

static int filter_loop(struct rec_io *io, const char *prog,
	enum status (*each)(void *arg, const struct rec *rec, struct buf *extra), void *arg)
{
	struct buf extra = { 0 };
	struct rec rec;
	enum status st;
	int worst = 0;

	for (;;) {
		st = rec_next(io, &rec);
		if (st == ST_END)
			break;
		if (st == ST_BAD || st == ST_LIMIT) {
			worst = st_worse(worst, cli_fail(st, "standard input"));
			continue;
		}
		if (st != ST_OK) {
			worst = st_worse(worst, cli_fail(st, "records"));
			break;
		}
		buf_clear(&extra);
		if (!rec_stopped(&rec))
			st = each(arg, &rec, &extra);
		worst = st_worse(worst, rec_finish(io, prog, &rec, st, &extra));
		if (io->out_failed)
			break;
	}
	buf_free(&extra);
	return worst;
}

int rec_filter(const char *prog,
	enum status (*each)(void *arg, const struct rec *rec, struct buf *extra), void *arg)
{
	struct rec_io *io = NULL;
	enum status st = rec_io_open(0, 1, &io);
	int worst;

	if (st != ST_OK)
		return cli_fail(st, prog);
	worst = filter_loop(io, prog, each, arg);
	if (io->out_failed) {
		rec_io_close(&io);
		return worst;
	}
	st = rec_io_close(&io);
	if (st != ST_OK)
		worst = st_worse(worst, cli_fail(st, "write records"));
	return worst;
}
