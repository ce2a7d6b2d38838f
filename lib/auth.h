/*
 * auth.h - what is known about who sent a message: SPF, DKIM, DMARC in the words of RFC 8601 2.7.
 *
 * A finding says where it comes from, and "not checked" is a result of its own: AUTH_UNCHECKED is what a zeroed
 * struct says, and nothing here turns an unknown word into a pass. This module reads the verdicts that the
 * spool brought (Amazon SES checked them on receipt); our own checks are authcheck.h's.
 */
#ifndef WEIR_AUTH_H
#define WEIR_AUTH_H

#include "record.h"

enum auth_result { AUTH_UNCHECKED, AUTH_NONE, AUTH_PASS, AUTH_FAIL, AUTH_SOFTFAIL, AUTH_NEUTRAL, AUTH_POLICY,
	AUTH_TEMPERROR, AUTH_PERMERROR };
enum auth_method { AUTH_SPF, AUTH_DKIM, AUTH_DMARC, AUTH_METHODS };

struct auth_finding {
	enum auth_result result;
	char ses[24];		/* SES's own word; "" if it said none (longer ones are cut) */
	char policy[16];	/* DMARC: none, quarantine, reject; "" if not told */
};
struct auth { char source[16]; /* "ses-receipt", "ses-header", "none" */ struct auth_finding by[AUTH_METHODS]; };

const char *auth_result_name(enum auth_result r);	/* "pass", "unchecked"... */
const char *auth_method_name(enum auth_method m);	/* "spf", "dkim", "dmarc" */
/* AUTH_UNCHECKED for a word that is none of RFC 8601's for this method. */
enum auth_result auth_result_of(enum auth_method m, const char *word, size_t len);

/* From the record's `verdicts`. SES's PASS, FAIL, GRAY and PROCESSING_FAILED are coarser than RFC 8601; where
 * the text of its Authentication-Results field is there, it may choose among the results that a verdict can stand for, never another.
 * Without a verdict (the field is all there is) it is taken alone, if it says one thing only. */
void auth_from_verdicts(const struct rec *rec, struct auth *out);

/* What an Authentication-Results field of SES says of a method: AUTH_UNCHECKED if nothing, or two different
 * things (the sender chooses the HELO name and the envelope sender that stand in it unquoted). */
enum auth_result auth_in_text(const char *text, size_t len, enum auth_method m);

/* The member "auth":{...} appended to b; as: under another key, with what the tenant's policy makes of a failing
 * DMARC ("flag"; NULL: nothing). */
void auth_json(const struct auth *a, struct buf *b);
void auth_json_as(const char *key, const struct auth *a, const char *action_or_null, struct buf *b);

#endif
