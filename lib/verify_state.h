/*
 * verify_state.h - a domain's verification over time: Amazon SES's states, and why DNS being down never costs one.
 *
 *	not_started		nobody has looked yet
 *	pending			looked at, not complete yet; becomes failed after VERIFY_PENDING_S without success
 *	success			all records were there when both views were last asked
 *	temporary_failure	it was verified, and now nobody can be asked: neither success nor failed
 *	failed			records were seen to be missing or wrong, again and again, VERIFY_WARNED_S after the warning
 *
 * Two steps: the records are present (each verdict ok), then the domain is verified (success). Only positive evidence, a
 * name server saying that a record is not there or is another, leads towards failed, and only after a warning. What could not be
 * looked up changes success to temporary_failure and nothing else.
 *
 * It lies in the tenant's store under the setting verify/DOMAIN; what happened is kept as events of type "verification",
 * which weir-domain history shows. Times are unix seconds. A clock that ran backwards counts as standing still.
 */
#ifndef WEIR_VERIFY_STATE_H
#define WEIR_VERIFY_STATE_H

#include "store.h"
#include "verify.h"

#define VERIFY_PENDING_S	(3 * 86400)	/* as SES: 72 hours to publish the records */
#define VERIFY_WARNED_S		(3 * 86400)	/* from the warning to failed */
#define VERIFY_TRUST_S		(3 * 86400)	/* a domain sends this long after it was last seen to be whole */
#define VERIFY_KEPT_RECORDS	256

enum vstate { VSTATE_NOT_STARTED, VSTATE_PENDING, VSTATE_SUCCESS, VSTATE_FAILED, VSTATE_TEMPORARY_FAILURE };
const char *vstate_name(enum vstate s);		/* "not_started", "pending", ... */

struct verify_state {
	enum vstate state;
	int64_t since;		/* in this state */
	int64_t first;		/* first look since it was last not_started, or since it failed and was mended */
	int64_t checked;	/* last look */
	int64_t verified;	/* last look at which all was well; 0: never */
	int64_t warned;		/* the warning that stands; 0: none */
	/* What was expected and how it was, to tell what vanished from what is newly required. */
	size_t n;
	struct verify_memory { char *key; enum verdict verdict; } memory[VERIFY_KEPT_RECORDS];	/* key "owner TYPE data" */
};
void verify_state_free(struct verify_state *s);

/* ST_NOTFOUND is no failure: *out is not_started then and ST_OK is returned. ST_BAD: what is stored makes no sense.
 * out: zeroed, or used before. Free it. Within a transaction. */
enum status verify_state_get(struct store *st, const char *domain, struct verify_state *out);
enum status verify_state_set(struct store *st, const char *domain, const struct verify_state *s);
/* For weir-domain remove: the domain begins anew if it comes back. Its history stays. */
enum status verify_forget(struct store *st, const char *domain);

/* What a look does to the state. seen: all well, broken (positive evidence), or not known. Returns what is to be told. */
enum vseen { VSEEN_WELL, VSEEN_BROKEN, VSEEN_UNKNOWN };
enum vnews { VNEWS_NONE, VNEWS_STATE /* it changed */, VNEWS_WARNING /* it will change */, VNEWS_MENDED /* the warning is off */ };
const char *vnews_name(enum vnews n);		/* "", "state", "warning", "mended" */
enum vnews verify_state_next(struct verify_state *s, enum vseen seen, int64_t now);
enum vseen verify_seen_of(const struct verify *v);

/* How a row stands to what was there at the last look. */
enum vchange { VCHANGE_NONE /* as before, or well */, VCHANGE_VANISHED, VCHANGE_DRIFTED, VCHANGE_NEW /* newly required */, VCHANGE_BACK };
const char *vchange_name(enum vchange c);	/* "", "vanished", "drifted", "new", "back" */
enum vchange verify_change(const struct verify_state *before, const struct verify_row *row);
/* Whether any row's verdict is another than at the last look, or a record is newly required, or one no longer expected. */
bool verify_changed(const struct verify_state *before, const struct verify *v);
/* Makes the result the memory of s. Verdicts that are temperror keep what was known. ST_NOMEM. */
enum status verify_remember(struct verify_state *s, const struct verify *v);

/* Whether the domain may send now: weir-send asks before each batch. ST_OK: yes. ST_AGAIN: it was verified, but could not be
 * looked at for VERIFY_TRUST_S: wait, the next weir-domain verify settles it. ST_BAD: it is not verified (never was, failed, is no domain
 * of the tenant); st_text() says the state and what to do. Within a transaction. */
enum status verify_may_send(struct store *st, const char *domain, int64_t now);

#endif
