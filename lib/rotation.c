/* rotation.c - see keyring.h: how one key follows another, as a function of the slots' states and the time. */
#include <string.h>
#include "keyring_priv.h"
#include "zone.h"

static struct slot *in_state(const struct domain *d, enum slot_state state)
{
	for (size_t i = 0; i < DOMAIN_SLOTS; i++)
		if (d->slot[i].state == state)
			return (struct slot *)&d->slot[i];
	return NULL;
}

const struct slot *rotation_slot(const struct domain *d)
{
	const struct slot *s = d->own_keys ? in_state(d, SLOT_PUBLISHED) : NULL;

	return s != NULL || !d->own_keys ? s : in_state(d, SLOT_RETIRING);
}

enum rotation rotation_next(const struct domain *d, int64_t now, int64_t *due_out)
{
	const struct slot *s = rotation_slot(d);

	*due_out = 0;
	if (s == NULL)
		return ROTATION_PUBLISH;
	if (s->state == SLOT_PUBLISHED && s->seen == 0)
		return ROTATION_SEE;
	*due_out = s->state == SLOT_PUBLISHED ? s->seen + KEY_TTL : s->since + KEY_KEEP;
	if (now < *due_out)
		return s->state == SLOT_PUBLISHED ? ROTATION_WAIT : ROTATION_KEEP;
	*due_out = 0;
	return s->state == SLOT_PUBLISHED ? ROTATION_SWITCH : ROTATION_RETIRE;
}

const char *rotation_name(enum rotation r)
{
	static const char *const names[] = { "publish", "see", "wait", "switch", "keep", "retire" };

	return names[r];
}

/* The active key that has signed longest; of an algorithm if that is said. */
static struct slot *oldest(struct domain *d, int algorithm)
{
	struct slot *found = NULL;

	for (size_t i = 0; i < DOMAIN_SLOTS; i++) {
		struct slot *s = &d->slot[i];

		if (s->state == SLOT_ACTIVE && (algorithm < 0 || (int)s->algorithm == algorithm) &&
				(found == NULL || s->since < found->since))
			found = s;
	}
	return found;
}

static enum status publish(const char *home, const char *tenant, struct domain *d, int64_t now)
{
	struct slot *s = in_state(d, SLOT_FREE);
	const struct slot *old = oldest(d, -1);
	enum status st;

	if (s == NULL || old == NULL)
		return st_fail(ST_BAD, "%s: no selector is free, or no key is active", d->name);
	st = keyring_make(home, tenant, s, old->algorithm);
	if (st == ST_OK) {
		s->state = SLOT_PUBLISHED;
		s->since = now;
		s->seen = 0;
	}
	return st;
}

static void switch_to(struct domain *d, struct slot *s, int64_t now)
{
	struct slot *old = oldest(d, (int)s->algorithm);

	if (old != NULL) {
		old->state = SLOT_RETIRING;
		old->since = now;
	}
	s->state = SLOT_ACTIVE;
	s->since = now;
	s->seen = 0;
}

static void retire(struct slot *s, int64_t now)
{
	s->state = SLOT_FREE;
	s->since = now;
	s->seen = 0;
	s->algorithm = KEY_RSA;
	s->public_key[0] = s->file[0] = '\0';
}

enum status rotation_step(const char *home, const char *tenant, struct domain *d, enum rotation step, int64_t now)
{
	struct slot *s = (struct slot *)rotation_slot(d);

	if (!d->own_keys)
		return st_fail(ST_BAD, "%s has no keys of ours to rotate: SES changes its own behind the CNAMEs", d->name);
	if (step == ROTATION_PUBLISH)
		return s == NULL ? publish(home, tenant, d, now) : st_fail(ST_BUG, "%s: a rotation goes on already", d->name);
	if (s == NULL)
		return st_fail(ST_BUG, "%s: no rotation goes on", d->name);
	if (s->state == SLOT_PUBLISHED && step == ROTATION_SEE)
		s->seen = s->seen != 0 ? s->seen : now > 0 ? now : 1;
	else if (s->state == SLOT_PUBLISHED && s->seen != 0)
		switch_to(d, s, now);
	else if (s->state == SLOT_RETIRING)
		retire(s, now);
	else
		return st_fail(ST_BUG, "%s: %s before the key was seen", d->name, rotation_name(step));
	return ST_OK;
}
