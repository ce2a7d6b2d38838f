/* stores.c - see stores.h */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "stores.h"

struct slot { struct store *store; unsigned long used; };
struct stores { const char *home; enum store_mode mode; unsigned long clock; size_t max; struct slot slot[STORES_MAX]; };

#define FDS_PER_STORE	8
#define FDS_OTHER	64

/* How many stores fit below the limit of open files, which is raised first. */
static size_t room(void)
{
	struct rlimit lim;
	rlim_t want = FDS_PER_STORE * STORES_MAX + FDS_OTHER;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return 1;
	if (lim.rlim_cur < want && lim.rlim_max > lim.rlim_cur) {
		lim.rlim_cur = lim.rlim_max < want ? lim.rlim_max : want;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	if (lim.rlim_cur >= want)
		return STORES_MAX;
	return lim.rlim_cur > FDS_OTHER + FDS_PER_STORE ? (lim.rlim_cur - FDS_OTHER) / FDS_PER_STORE : 1;
}

enum status stores_new(const char *home, enum store_mode mode, struct stores **out)
{
	struct stores *s = calloc(1, sizeof *s);

	if (!s)
		return st_fail(ST_NOMEM, "out of memory");
	s->home = home;
	s->mode = mode;
	s->max = room();
	*out = s;
	return ST_OK;
}

void stores_free(struct stores **s)
{
	if (!*s)
		return;
	for (size_t i = 0; i < STORES_MAX; i++)
		store_close(&(*s)->slot[i].store);
	free(*s);
	*s = NULL;
}

enum status stores_get(struct stores *s, const char *tenant, struct store **out)
{
	struct slot *pick = &s->slot[0];
	enum status st;

	for (size_t i = 0; i < s->max; i++) {
		struct slot *at = &s->slot[i];

		if (at->store && !strcmp(store_tenant(at->store), tenant)) {
			at->used = ++s->clock;
			*out = at->store;
			return ST_OK;
		}
		if (pick->store && (!at->store || at->used < pick->used))
			pick = at;
	}
	store_close(&pick->store);
	st = store_open(s->home, tenant, s->mode, &pick->store);
	if (st != ST_OK)
		return st;
	pick->used = ++s->clock;
	*out = pick->store;
	return ST_OK;
}
