/* scan.c - see scan.h. What libclamav 1.4 does and does not say was measured, see the tests of weir-scan. */
#include <clamav.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "canary.h"
#include "clamd.h"
#include "file.h"
#include "scan.h"
#include "scratch.h"
#include "sigdb.h"

#define REVISION "weir-scan 2"		/* change it when verdicts come about differently */
#define WRITES_FACTOR 4			/* small writes for each file that may be in an object */
#define ONE_MATCHER_BYTES (1u << 20)	/* of signatures, at most */
#define TINY_BYTES 5			/* libclamav looks at nothing of this size or less */

/* What the callbacks saw during one look. */
struct look_state {
	const struct scanner *s;
	unsigned errors;		/* lines of level ERROR */
	bool encrypted, oversize;
	const char *why, *detail;	/* archive_look's objection */
	char name[LEDGER_NAME_BYTES];
	char error[LEDGER_NAME_BYTES];
};

struct scanner {
	struct scan_limits limits;
	struct archive_opts archive;
	struct cl_engine *engine;	/* NULL: clamd */
	struct cl_scan_options full, plain;
	struct sigdb *db;
	unsigned signatures;
	uint8_t conf[LEDGER_CONF_BYTES];
	char version[64];
	char *clamd, *tmpdir;
	char *memory;			/* a folder of scratch.h to use instead of tmpdir while there is room; or NULL */
	int meter;
	struct scratch_meter metered;	/* after the last look in memory */
	struct buf canary;		/* an object that must be found */
	bool canary_lost, outdated;
	unsigned looks;			/* since the last canary */
	time_t canary_at, outdated_at;
};

/* libclamav has one message callback for the process, and calls it with no context for the very
 * message that counts most (a temporary folder that cannot be made). One thread, one look at a time. */
static struct look_state *current;

static time_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec;
}

/* ---- callbacks ---- */

static void on_message(enum cl_msg severity, const char *full, const char *msg, void *context)
{
	if (severity != CL_MSG_ERROR || !current)
		return;
	if (current->errors++ == 0)
		snprintf(current->error, sizeof current->error, "%.*s", (int)strcspn(msg, "\n"), msg);
}

static void on_virus(int fd, const char *name, void *context)
{
	struct look_state *st = context;

	snprintf(st->name, sizeof st->name, "%s", name ? name : "?");
}

/* A ZIP member over the size limit is cut off and its front called clean. */
static cl_error_t on_member(const char *container, unsigned long packed, const char *filename,
	unsigned long size, int encrypted, unsigned int pos, void *context)
{
	struct look_state *st = context;

	st->encrypted |= encrypted != 0;
	st->oversize |= size > st->s->limits.file_bytes;
	return CL_CLEAN;
}

/* Each file within files, at any depth. */
static cl_error_t on_file(int fd, const char *type, const char **ancestors, size_t parent_size,
	const char *name, size_t size, const char *bytes, uint32_t depth, uint32_t attributes,
	void *context)
{
	struct look_state *st = context;

	if (!st->why && bytes)
		st->why = archive_look(bytes, size, &st->s->archive, &st->detail);
	return CL_CLEAN;
}

/* ---- names to findings ---- */

static void unscanned(struct finding *f, const char *reason, const char *detail)
{
	f->verdict = VERDICT_UNSCANNED;
	f->reason = finding_reason(reason);
	snprintf(f->name, sizeof f->name, "%s", detail ? detail : "");
}

void finding_of_name(const char *name, struct finding *out)
{
	static const struct { const char *prefix, *reason; } told[] = {
		{ "Heuristics.Encrypted.", "encrypted" },
		{ "Heuristics.Limits.Exceeded.MaxRecursion", "too_deep" },
		{ "Heuristics.Limits.Exceeded.MaxFiles", "too_many" },
		{ "Heuristics.Limits.Exceeded.MaxScanTime", "too_long" },
		{ "Heuristics.Limits.Exceeded.MaxScanSize", "too_big" },
		{ "Heuristics.Limits.Exceeded.MaxFileSize", "too_big" },
		{ "Heuristics.Limits.Exceeded", "too_many" },	/* lines, headers, parts of a mail */
	};

	for (size_t i = 0; i < sizeof told / sizeof *told; i++)
		if (strncmp(name, told[i].prefix, strlen(told[i].prefix)) == 0) {
			unscanned(out, told[i].reason, name);
			return;
		}
	out->verdict = VERDICT_INFECTED;
	out->reason = NULL;
	snprintf(out->name, sizeof out->name, "%s", name);
}

/* ---- one look ---- */

static void look_once(struct scanner *s, const char *dir, enum look how, const void *p, size_t n, struct finding *out)
{
	struct look_state st = { .s = s };
	const char *name = NULL;	/* left as it is when the object is over the size limit */
	unsigned long scanned = 0;
	cl_fmap_t *map = cl_fmap_open_memory(p, n);

	if (!map) {
		unscanned(out, "error", "no memory for the scan");
		return;
	}
	current = &st;
	cl_error_t rc = cl_scanmap_callback(map, NULL, &name, &scanned, s->engine,
		how == LOOK_PLAIN ? &s->plain : &s->full, &st);
	current = NULL;
	cl_fmap_close(map);
	if (name && !st.name[0])
		snprintf(st.name, sizeof st.name, "%s", name);
	if (rc == CL_VIRUS)
		finding_of_name(st.name[0] ? st.name : "Heuristics.Limits.Exceeded.MaxFileSize", out);
	if (rc == CL_VIRUS && out->verdict == VERDICT_INFECTED)
		return;		/* a find counts, whatever else went wrong */
	if (rc != CL_CLEAN && rc != CL_VIRUS)
		unscanned(out, rc == CL_ETIMEOUT ? "too_long" : "error", cl_strerror(rc));
	else if (st.errors)
		unscanned(out, "error", st.error);
	else if (dir && access(dir, W_OK | X_OK) != 0)
		unscanned(out, "error", "the temporary folder is gone");
	else if (rc == CL_VIRUS)
		return;		/* a limit, encrypted: as finding_of_name has it */
	else if (st.encrypted)
		unscanned(out, "encrypted", "a member is encrypted");
	else if (st.oversize)
		unscanned(out, "too_big", "a member is larger than the limit");
	else if (st.why)
		unscanned(out, st.why, st.detail);
	else
		*out = (struct finding){ .verdict = VERDICT_CLEAN };
}

static bool use_folder(struct scanner *s, const char *dir)
{
	return cl_engine_set_str(s->engine, CL_ENGINE_TMPDIR, dir) == CL_SUCCESS;
}

/* Again with the folder on disk, if that shows that it works. */
static void look_on_disk(struct scanner *s, enum look how, const void *p, size_t n, struct finding *out)
{
	struct finding canary = {0};

	if (use_folder(s, s->tmpdir))
		look_once(s, s->tmpdir, LOOK_PART, s->canary.p, s->canary.len, &canary);
	if (canary.verdict == VERDICT_INFECTED)
		look_once(s, s->tmpdir, how, p, n, out);
	else
		unscanned(out, "error", "there is too little room in memory, and the folder on disk cannot be used");
	if (!use_folder(s, s->memory)) {	/* slower, then */
		free(s->memory);
		s->memory = NULL;
	}
}

/* More files than the limit, however they are counted: libclamav makes all pieces of a mail before it counts the first. */
static bool too_many_writes(const struct scanner *s, const struct scratch_meter *a, const struct scratch_meter *b)
{
	uint64_t writes = b->writes - a->writes, full = (b->bytes - a->bytes) / SCRATCH_PAGE;

	return writes > full && writes - full > WRITES_FACTOR * (uint64_t)s->limits.files;
}

/* In memory, if it cannot have been full. */
static void look_engine(struct scanner *s, enum look how, const void *p, size_t n, struct finding *out)
{
	struct scratch_meter before = s->metered;	/* what was written since counts too: never too little */

	look_once(s, s->memory ? s->memory : s->tmpdir, how, p, n, out);
	if (!s->memory || out->verdict == VERDICT_INFECTED)
		return;
	bool told = scratch_meter_read(s->meter, &s->metered);
	if (told && scratch_used(&before, &s->metered) < SCRATCH_BYTES)
		return;
	if (told && too_many_writes(s, &before, &s->metered))
		unscanned(out, "too_many", "more pieces than files may be in it");
	else
		look_on_disk(s, how, p, n, out);
	scratch_meter_read(s->meter, &s->metered);
}

/* The daemon is asked about the whole; it tells nothing about members, so only what can be seen
 * from outside is checked by ourselves. */
static void look_clamd(struct scanner *s, const void *p, size_t n, struct finding *out)
{
	char name[LEDGER_NAME_BYTES];
	const char *detail;
	enum clamd_answer a;
	int fd = n >= 64 << 10 ? memfd_create("weir-scan", MFD_CLOEXEC) : -1;

	if (fd >= 0 && file_write_all(fd, p, n) == ST_OK)
		a = clamd_fildes(s->clamd, fd, s->limits.ms, name, sizeof name);
	else
		a = clamd_instream(s->clamd, p, n, s->limits.ms, name, sizeof name);
	if (fd >= 0)
		close(fd);
	if (a == CLAMD_FOUND)
		finding_of_name(name, out);
	if (a == CLAMD_FOUND)
		return;
	const char *why = a == CLAMD_OK ? archive_look(p, n, &s->archive, &detail) : NULL;
	if (a == CLAMD_TOO_BIG)
		unscanned(out, "too_big", name);
	else if (a != CLAMD_OK)
		unscanned(out, "error", name);
	else if (why)
		unscanned(out, why, detail);
	else
		*out = (struct finding){ .verdict = VERDICT_CLEAN };
}

static void look(struct scanner *s, enum look how, const void *p, size_t n, struct finding *out)
{
	if (s->clamd)
		look_clamd(s, p, n, out);
	else
		look_engine(s, how, p, n, out);
}

/* Whether the canary is found right now. */
static bool find_canary(struct scanner *s)
{
	struct finding f;

	look(s, LOOK_PART, s->canary.p, s->canary.len, &f);
	s->canary_lost = f.verdict != VERDICT_INFECTED;
	s->canary_at = now_s();
	s->looks = 0;
	return !s->canary_lost;
}

void scanner_look(struct scanner *s, enum look how, const void *p, size_t n, struct finding *out)
{
	if (n <= TINY_BYTES) {	/* no scanner has a word about them, and they are too small to do harm */
		*out = (struct finding){ .verdict = VERDICT_CLEAN };
		return;
	}
	bool due = s->canary_lost || s->looks >= SCAN_CANARY_EVERY
		|| now_s() - s->canary_at >= SCAN_CANARY_S;
	if (due && !find_canary(s)) {
		unscanned(out, "no_canary", "the scanner does not find its canary");
		return;
	}
	s->looks++;
	look(s, how, p, n, out);
	if (out->verdict == VERDICT_UNSCANNED && !finding_lasts(out))
		find_canary(s);	/* the next look will say if it was lost */
}

/* ---- loading ---- */

static void defaults(struct scan_limits *l)
{
	l->file_bytes = l->file_bytes ? l->file_bytes : 100u << 20;
	l->total_bytes = l->total_bytes ? l->total_bytes : 400u << 20;
	l->files = l->files ? l->files : 10000;
	l->depth = l->depth ? l->depth : 17;
	l->ms = l->ms ? l->ms : 60000;
}

static void set_options(struct scanner *s)
{
	struct cl_scan_options o = {
		.general = CL_SCAN_GENERAL_HEURISTICS,
		/* The image hash takes 456 MB for one PNG, and no signature of ours uses it. */
		.parse = ~0u & ~(unsigned)CL_SCAN_PARSE_IMAGE_FUZZY_HASH,
		.heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE
			| CL_SCAN_HEURISTIC_ENCRYPTED_DOC,
	};

	s->full = s->plain = o;
	s->plain.parse &= ~(unsigned)CL_SCAN_PARSE_MAIL;
}

static enum status new_engine(struct scanner *s)
{
	struct cl_engine *e = s->engine = cl_engine_new();

	if (!e)
		return st_fail(ST_NOMEM, "no memory for the scan engine");
	cl_engine_set_num(e, CL_ENGINE_MAX_FILESIZE, (long long)s->limits.file_bytes);
	cl_engine_set_num(e, CL_ENGINE_MAX_SCANSIZE, (long long)s->limits.total_bytes);
	cl_engine_set_num(e, CL_ENGINE_MAX_FILES, s->limits.files);
	cl_engine_set_num(e, CL_ENGINE_MAX_RECURSION, s->limits.depth);
	cl_engine_set_num(e, CL_ENGINE_MAX_SCANTIME, s->limits.ms);
	cl_engine_set_num(e, CL_ENGINE_DISABLE_CACHE, 1);	/* it goes by MD5 */
	/* Two matchers, for patterns with and without wildcards, or one for both: the same is found. Two save memory
	 * where patterns are many, but each goes over all bytes, even if it has none to look for. */
	cl_engine_set_num(e, CL_ENGINE_AC_ONLY, sigdb_bytes(s->db) <= ONE_MATCHER_BYTES);
	cl_engine_set_clcb_virus_found(e, on_virus);
	cl_engine_set_clcb_meta(e, on_member);
	cl_engine_set_clcb_file_inspection(e, on_file);
	return ST_OK;
}

/* One cl_load, with the error lines that it does not return. */
static enum status load_one(struct scanner *s, const char *path, unsigned *count)
{
	struct look_state st = {0};

	current = &st;
	cl_error_t rc = cl_load(path, s->engine, count, CL_DB_STDOPT);
	current = NULL;
	if (rc == CL_EMEM)
		return st_fail(ST_NOMEM, "signatures: %s: no memory", path);
	if (rc != CL_SUCCESS || st.errors)
		return st_fail(ST_CONFIG, "signatures: %s: %s", path,
			st.errors ? st.error : cl_strerror(rc));
	return ST_OK;
}

/* The canary's signature, loaded from a file of its own that is gone right after. */
static enum status load_canary(struct scanner *s, const char *tmpdir)
{
	char path[PATH_MAX];
	unsigned count = 0;
	struct buf sig = {0};

	snprintf(path, sizeof path, "%s/canary.XXXXXX.ndb", tmpdir ? tmpdir : "/tmp");
	enum status st = canary_make(&s->canary, &sig);
	int fd = st == ST_OK ? mkostemps(path, 4, O_CLOEXEC) : -1;
	if (st == ST_OK && fd < 0)
		st = st_fail_errno("create %s", path);
	if (st == ST_OK)
		st = file_write_all(fd, sig.p, sig.len);
	if (st == ST_OK)
		st = load_one(s, path, &count);
	if (fd >= 0) {
		unlink(path);
		close(fd);
	}
	buf_free(&sig);
	return st;
}

static enum status load_engine(struct scanner *s, const struct scan_opts *o)
{
	enum status st = new_engine(s);

	for (size_t i = 0; st == ST_OK && i < sigdb_paths(s->db); i++)
		st = load_one(s, sigdb_path(s->db, i), &s->signatures);
	unsigned want = o->min_signatures ? o->min_signatures : 1;
	if (st == ST_OK && s->signatures < want)
		st = st_fail(ST_CONFIG, "signatures: %u loaded, %u wanted", s->signatures, want);
	if (st == ST_OK)
		st = load_canary(s, o->tmpdir);
	if (st != ST_OK)
		return st;
	cl_error_t rc = cl_engine_compile(s->engine);
	return rc == CL_SUCCESS ? ST_OK : st_fail(ST_CONFIG, "signatures: %s", cl_strerror(rc));
}

/* The unpacker for RAR is not free software; libclamav loads it if it is installed. */
static bool have_unrar(void)
{
	char line[512];
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "re");

	while (f && !found && fgets(line, sizeof line, f))
		found = strstr(line, "/libclamunrar") != NULL;
	if (f)
		fclose(f);
	return found;
}

static enum status make_conf(struct scanner *s)
{
	uint8_t digest[DIGEST_BYTES];
	struct buf b = {0};
	const struct scan_limits *l = &s->limits;

	buf_fmt(&b, REVISION "\n%s %u\nsignatures %u\nlimits %llu %llu %u %u %u\n"
		"options %x %x %x\nrar %d\n", cl_retver(), cl_retflevel(), s->signatures,
		(unsigned long long)l->file_bytes, (unsigned long long)l->total_bytes,
		l->files, l->depth, l->ms, s->full.general, s->full.parse, s->full.heuristic,
		s->archive.rar);
	if (s->clamd)
		buf_fmt(&b, "clamd %s\n", s->version);
	else
		sigdb_text(s->db, &b);
	enum status st = buf_ok(&b) ? digest_of(b.p, b.len, digest) : st_fail(ST_NOMEM, "no memory");
	if (st == ST_OK)
		memcpy(s->conf, digest, sizeof s->conf);
	buf_free(&b);
	return st;
}

/* Signatures may be replaced while they are read: only a set that was the same before and after counts. */
static enum status load_signatures(struct scanner *s, const struct scan_opts *o)
{
	enum status st = ST_OK;

	for (int tries = 0; tries < 3; tries++) {
		st = sigdb_open(o->db, o->dbs, &s->db);
		if (st == ST_OK)
			st = load_engine(s, o);
		if (st != ST_OK || !sigdb_changed(s->db))
			return st;
		cl_engine_free(s->engine);
		s->engine = NULL;
		s->signatures = 0;
		sigdb_close(&s->db);
	}
	return st_fail(ST_AGAIN, "signatures: they change while they are read");
}

static enum status load_clamd(struct scanner *s, const struct scan_opts *o)
{
	if (!o->clamd_canary)
		return st_fail(ST_USAGE, "clamd needs a canary file");
	s->clamd = strdup(o->clamd);
	enum status st = s->clamd ? clamd_ping(s->clamd, s->version, sizeof s->version)
		: st_fail(ST_NOMEM, "no memory");
	if (st == ST_OK)
		st = canary_read(o->clamd_canary, &s->canary);
	if (st == ST_OK && !find_canary(s))
		st = st_fail(ST_CONFIG, "clamd at %s does not find %s", s->clamd, o->clamd_canary);
	return st;
}

enum status scanner_load(const struct scan_opts *o, struct scanner **out)
{
	struct scanner *s = calloc(1, sizeof *s);

	*out = NULL;
	if (!s)
		return st_fail(ST_NOMEM, "no memory");
	s->meter = -1;
	s->limits = o->limits;
	defaults(&s->limits);
	set_options(s);
	cl_set_clcb_msg(on_message);
	if (cl_init(CL_INIT_DEFAULT) != CL_SUCCESS) {
		free(s);
		return st_fail(ST_BUG, "libclamav does not start");
	}
	s->archive = (struct archive_opts){ s->limits.file_bytes, s->limits.total_bytes,
		!o->clamd && have_unrar() };
	snprintf(s->version, sizeof s->version, "ClamAV %s", cl_retver());
	enum status st = o->clamd ? load_clamd(s, o) : load_signatures(s, o);
	if (st == ST_OK)
		st = make_conf(s);
	if (st != ST_OK)
		scanner_free(&s);
	*out = s;
	return st;
}

enum status scanner_start(struct scanner *s, const char *tmpdir, const char *memory)
{
	s->tmpdir = strdup(tmpdir);
	s->memory = memory && s->engine ? strdup(memory) : NULL;
	s->meter = s->memory ? scratch_meter_open() : -1;
	if (s->memory && !scratch_meter_read(s->meter, &s->metered)) {
		free(s->memory);
		s->memory = NULL;
	}
	if (!s->tmpdir || (s->engine && !use_folder(s, s->memory ? s->memory : s->tmpdir)))
		return st_fail(ST_NOMEM, "no memory");
	find_canary(s);	/* if it is lost, all that comes is unscanned: no record gets lost */
	return ST_OK;
}

const uint8_t *scanner_conf(const struct scanner *s) { return s->conf; }
bool scanner_remembers(const struct scanner *s) { return !s->clamd; }
const char *scanner_engine(const struct scanner *s) { return s->version; }

bool scanner_outdated(struct scanner *s)
{
	time_t now = now_s();

	if (s->db && !s->outdated && now != s->outdated_at) {
		s->outdated_at = now;
		s->outdated = sigdb_changed(s->db);
	}
	return s->outdated;
}

void scanner_free(struct scanner **sp)
{
	struct scanner *s = *sp;

	if (!s)
		return;
	if (s->engine)
		cl_engine_free(s->engine);
	sigdb_close(&s->db);
	buf_free(&s->canary);
	free(s->clamd);
	free(s->tmpdir);
	free(s->memory);
	if (s->meter >= 0)
		close(s->meter);
	free(s);
	*sp = NULL;
}
