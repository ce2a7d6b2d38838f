/* plan_priv.h - what plan.c and plan_read.c share. Not for others. */
#ifndef WEIR_PLAN_PRIV_H
#define WEIR_PLAN_PRIV_H

#include "plan.h"
#include "settings_priv.h"

enum section { IN_POLICY, IN_DUPLICATES, IN_INBOXES, IN_DOMAINS, IN_ADDRESSES, SECTIONS };

/* Settings by key, as they are stored. Texts lie in one buffer, each with its NUL, so that it may move. */
struct pairs {
	struct pair { size_t key, json, len, offset /* of what it was read from */; } *pair;
	size_t n, cap;
	struct buf text;
};
/* The value is copied. ST_NOMEM, ST_LIMIT. */
enum status pairs_add(struct pairs *p, const char *key, const char *json, size_t len, size_t offset);
void pairs_free(struct pairs *p);
void pairs_sort(struct pairs *p);
const char *pair_key(const struct pairs *p, size_t i);
struct span pair_value(const struct pairs *p, size_t i);

struct plan {
	char tenant[64];
	bool has[SECTIONS];
	struct pairs wanted;	/* sorted by key */
};

/* The section a setting's key belongs to, and the kind of thing it is; SECTIONS: none of ours. */
enum section section_of(const char *key, const char **kind_out, const char **prefix_out);

/* ---- plan_domain.c ---- */
/* A domain's setting without what weir keeps track of itself; and such a text with what the old setting (p NULL: none) keeps track of. */
void plan_domain_text(struct span setting, struct buf *out);
enum status plan_domain_stored(const char *domain, struct span wanted, struct span old, struct buf *out);

#endif
