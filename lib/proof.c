/*
 * proof.c - delivery is refused without proof.
 */
#include <string.h>

#include "proof.h"

static bool listed(struct span list, struct span word)
{
	struct span elem;

	while (json_elem(&list, &elem))
		if (elem.len == word.len && !memcmp(elem.p, word.p, word.len))
			return true;
	return false;
}

/* Whether all parts with that verdict (and at least one, if some) were taken out, of the raw message too. */
static bool taken_out(struct span scan, const char *verdict, bool some)
{
	struct span parts = json_get(scan, "parts"), removed = json_get(scan, "removed"), elem;
	bool any = false;

	while (json_elem(&parts, &elem)) {
		if (!json_is(json_get(elem, "verdict"), verdict))
			continue;
		if (!listed(removed, json_get(elem, "part")))
			return false;
		any = true;
	}
	return any ? json_type(json_get(scan, "raw.sha256")) == '"' : !some;
}

static bool has_part(struct span scan, const char *verdict)
{
	struct span parts = json_get(scan, "parts"), elem;

	while (json_elem(&parts, &elem))
		if (json_is(json_get(elem, "verdict"), verdict))
			return true;
	return false;
}

bool proof_scanned(const struct rec *rec)
{
	struct span scan = rec_get(rec, "scan"), verdict = json_get(scan, "verdict"), policy = json_get(scan, "policy");
	bool infected = json_is(verdict, "infected"), unscanned = json_is(verdict, "unscanned") || has_part(scan, "unscanned");

	if (!infected && !unscanned && !json_is(verdict, "clean"))
		return false;
	if (!taken_out(scan, "infected", infected))
		return false;
	return !unscanned || json_is(policy, "flag")
		|| (json_is(policy, "delete") && taken_out(scan, "unscanned", true));
}

static bool may_pass(struct span reason)
{
	return json_is(reason, "timeout") || json_is(reason, "error") || json_is(reason, "no_canary");
}

static int refuse(const char **reason_out, const char *reason, int status, const char *why)
{
	*reason_out = reason;
	st_fail(status == EX_WEIR_AGAIN ? ST_AGAIN : ST_BAD, "not stored: %s", why);
	return status;
}

int proof_check(const struct rec *rec, bool allow_unscanned, const char **reason_out)
{
	struct span scan = rec_get(rec, "scan");

	if (json_type(rec_get(rec, "tenant")) != '"')
		return refuse(reason_out, "not_routed", EX_WEIR_DATA, "the record names no tenant (weir-route)");
	if (json_type(rec_get(rec, "auth")) != '{')
		return refuse(reason_out, "not_authenticated", EX_WEIR_DATA, "the record has no auth (weir-auth)");
	if (proof_scanned(rec))
		return 0;
	if (json_is(json_get(scan, "verdict"), "infected") || has_part(scan, "infected"))
		return refuse(reason_out, "infected", EX_WEIR_DATA, "infected, and not all of it was taken out");
	if (allow_unscanned)
		return 0;
	if (!scan.p)
		return refuse(reason_out, "not_scanned", EX_WEIR_DATA, "the record has no scan (weir-scan)");
	return refuse(reason_out, "not_scanned", may_pass(json_get(scan, "reason")) ? EX_WEIR_AGAIN : EX_WEIR_DATA,
		"nobody could look for viruses in it");
}
