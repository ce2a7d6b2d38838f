/*
 * seshead.h - what Amazon SES wrote above a message that it received.
 *
 * SES puts its own fields on top, always in this order: Return-Path, Received,
 * X-SES-Spam-Verdict, X-SES-Virus-Verdict, Received-SPF, Authentication-Results,
 * X-SES-RECEIPT, X-SES-DKIM-SIGNATURE; the two scan verdicts only if scanning is on.
 *
 * Traps: a sender may write any of these into its own header, which starts
 * right below. So reading stops at the first field that is not SES's, is out of
 * order or is there twice: what is not said above that line is not said. And in a folder that
 * no SES fills, a sender may write the whole block: only the caller knows
 * whether the file came from SES (the file's name being the SMTP id helps).
 */
#ifndef WEIR_SESHEAD_H
#define WEIR_SESHEAD_H

#include "buf.h"


#define SESHEAD_MAX_BYTES (64u << 10)	/* more than this is not read for SES's block */

/* In the order of how bad they are; of two that differ the worse one counts.
 * What SES did not say is ABSENT, which is not PASS. */
enum ses_word { SES_ABSENT, SES_PASS, SES_DISABLED, SES_GRAY, SES_PROCESSING_FAILED,
	SES_UNKNOWN, SES_FAIL };
enum { SES_SPAM, SES_VIRUS, SES_SPF, SES_DKIM, SES_DMARC, SES_CHECKS };
enum ses_policy { SES_P_ABSENT, SES_P_NONE, SES_P_QUARANTINE, SES_P_REJECT };

struct ses_verdicts { enum ses_word word[SES_CHECKS]; enum ses_policy dmarc_policy; };

/* "PASS" and so on to a word; anything else is SES_UNKNOWN. */
enum ses_word ses_word(const char *s, size_t len);
const char *ses_word_name(enum ses_word w);	/* NULL for SES_ABSENT */
const char *ses_policy_name(enum ses_policy p);	/* NULL for SES_P_ABSENT */
enum ses_policy ses_policy(const char *s, size_t len);
/* Folds `more` into v: the worse of each. */
void ses_verdicts_add(struct ses_verdicts *v, const struct ses_verdicts *more);

/* All spans point into the message. auth_results is the field's body, still folded. */
struct seshead {
	bool ses;			/* the first two fields are those that SES writes */
	struct span from;		/* the envelope sender, without <>; empty for the null sender */
	struct span smtp_id, rcpt, date;
	struct span auth_results;	/* p NULL: not there */
	struct ses_verdicts verdicts;
};

/* Reads the top of a message. Never fails: what is not SES's has ses false and the rest empty. */
void seshead_parse(const char *p, size_t len, struct seshead *out);

/* The body of the first field of that name in the first header block: an
 * absent span if there is none. For fields that a local MDA writes on top (Delivered-To). */
struct span seshead_field(const char *p, size_t len, const char *name);

#endif
