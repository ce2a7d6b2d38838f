/* sigdb.c - see sigdb.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "scan.h"
#include "sigdb.h"

#define MAX_FILES 1000

struct sigfile { char *path; const char *name; off_t size; struct timespec mtime; ino_t ino; char hex[DIGEST_HEX + 1]; };

struct sigdb {
	char *path[SCAN_MAX_DBS];
	size_t paths;
	struct sigfile *file;
	size_t files;
};

/* What libclamav 1.4 takes for signatures by name (readdb.h CLI_DBEXT). */
static bool is_signature_file(const char *name)
{
	static const char ext[] = " db hdb hdu fp mdb mdu hsb hsu sfp msb msu ndb ndu ldb ldu sdb zmd rmd"
		" pdb gdb wdb cbc ftm cfg cvd cld cud crb cat ign ign2 idb imp info cdb ioc yar yara pwdb ";
	const char *dot = strrchr(name, '.');
	char word[16];

	if (!dot || strlen(dot) < 3 || strlen(dot) > 6 || name[0] == '.')
		return false;
	snprintf(word, sizeof word, " %s ", dot + 1);
	return strstr(ext, word) != NULL;
}

static enum status add_file(struct sigdb *d, const char *path, const struct stat *sb)
{
	if (d->files == MAX_FILES)
		return st_fail(ST_CONFIG, "signatures: more than %d files", MAX_FILES);
	struct sigfile *v = realloc(d->file, (d->files + 1) * sizeof *v);
	if (!v)
		return st_fail(ST_NOMEM, "no memory");
	d->file = v;
	struct sigfile *f = &v[d->files];
	*f = (struct sigfile){ .path = strdup(path), .size = sb->st_size,
		.mtime = sb->st_mtim, .ino = sb->st_ino };
	if (!f->path)
		return st_fail(ST_NOMEM, "no memory");
	f->name = strrchr(f->path, '/') ? strrchr(f->path, '/') + 1 : f->path;
	d->files++;
	return ST_OK;
}

static enum status list_folder(struct sigdb *d, const char *path)
{
	struct dirent *e;
	struct stat sb;
	enum status st = ST_OK;
	DIR *dir = opendir(path);

	if (!dir)
		return st_fail(ST_CONFIG, "signatures: %s: %s", path, strerror(errno));
	while (st == ST_OK && (e = readdir(dir))) {
		char *full = NULL;
		if (!is_signature_file(e->d_name) || fstatat(dirfd(dir), e->d_name, &sb, 0) != 0
		    || !S_ISREG(sb.st_mode))
			continue;
		if (asprintf(&full, "%s/%s", path, e->d_name) < 0)
			st = st_fail(ST_NOMEM, "no memory");
		else
			st = add_file(d, full, &sb);
		free(full);
	}
	closedir(dir);
	return st;
}

static int by_name(const void *a, const void *b)
{
	const struct sigfile *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : strcmp(x->path, y->path);
}

static enum status list_files(struct sigdb *d)
{
	struct stat sb;
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < d->paths; i++) {
		if (stat(d->path[i], &sb) != 0)
			st = st_fail(ST_CONFIG, "signatures: %s: %s", d->path[i], strerror(errno));
		else
			st = S_ISDIR(sb.st_mode) ? list_folder(d, d->path[i]) : add_file(d, d->path[i], &sb);
	}
	if (d->files)
		qsort(d->file, d->files, sizeof *d->file, by_name);
	return st;
}

static enum status digest_file(struct sigfile *f)
{
	static char block[1 << 16];
	struct digest sha = {0};
	uint8_t digest[DIGEST_BYTES];
	ssize_t n = 0;
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return st_fail(ST_CONFIG, "signatures: %s: %s", f->path, strerror(errno));
	enum status st = digest_begin(&sha);
	while (st == ST_OK && (n = read(fd, block, sizeof block)) > 0)
		digest_add(&sha, block, (size_t)n);
	if (st == ST_OK && n < 0)
		st = st_fail(ST_CONFIG, "signatures: %s: %s", f->path, strerror(errno));
	if (st == ST_OK)
		st = digest_end(&sha, digest);
	if (st == ST_OK)
		hex_of(digest, sizeof digest, f->hex);
	digest_free(&sha);
	close(fd);
	return st;
}

static enum status open_paths(const char *const *paths, size_t n, struct sigdb *d)
{
	static const char *const standard[] = { SCAN_DB_DEFAULT };

	if (n == 0) {
		paths = standard;
		n = 1;
	}
	for (size_t i = 0; i < n; i++) {
		d->path[i] = strdup(paths[i]);
		if (!d->path[i])
			return st_fail(ST_NOMEM, "no memory");
		d->paths++;
	}
	return list_files(d);
}

enum status sigdb_open(const char *const *paths, size_t n, struct sigdb **out)
{
	struct sigdb *d = calloc(1, sizeof *d);

	if (!d)
		return st_fail(ST_NOMEM, "no memory");
	enum status st = open_paths(paths, n, d);
	if (st == ST_OK && d->files == 0)
		st = st_fail(ST_CONFIG, "signatures: none in %s", d->path[0]);
	for (size_t i = 0; st == ST_OK && i < d->files; i++)
		st = digest_file(&d->file[i]);
	if (st != ST_OK)
		sigdb_close(&d);
	*out = d;
	return st;
}

size_t sigdb_paths(const struct sigdb *d) { return d->paths; }
const char *sigdb_path(const struct sigdb *d, size_t i) { return d->path[i]; }

uint64_t sigdb_bytes(const struct sigdb *d)
{
	uint64_t n = 0;

	for (size_t i = 0; i < d->files; i++)
		n += (uint64_t)d->file[i].size;
	return n;
}

void sigdb_text(const struct sigdb *d, struct buf *out)
{
	for (size_t i = 0; i < d->files; i++)
		buf_fmt(out, "%s %lld %s\n", d->file[i].name, (long long)d->file[i].size, d->file[i].hex);
}

bool sigdb_changed(const struct sigdb *d)
{
	struct sigdb *now = calloc(1, sizeof *now);
	const char *paths[SCAN_MAX_DBS];

	for (size_t i = 0; i < d->paths; i++)
		paths[i] = d->path[i];
	bool same = now && open_paths(paths, d->paths, now) == ST_OK && now->files == d->files;
	for (size_t i = 0; same && i < d->files; i++) {
		const struct sigfile *a = &d->file[i], *b = &now->file[i];
		same = strcmp(a->path, b->path) == 0 && a->size == b->size && a->ino == b->ino
			&& a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
	}
	sigdb_close(&now);
	return !same;
}

void sigdb_close(struct sigdb **dp)
{
	struct sigdb *d = *dp;

	if (!d)
		return;
	for (size_t i = 0; i < d->files; i++)
		free(d->file[i].path);
	for (size_t i = 0; i < d->paths; i++)
		free(d->path[i]);
	free(d->file);
	free(d);
	*dp = NULL;
}
