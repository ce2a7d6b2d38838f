/* seshead: what is SES's and what only pretends to be. */
#include <stdio.h>
#include <string.h>
#include "seshead.h"

#define CHECK(c) do { if (!(c)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #c); return 1; } } while (0)
#define TOP "Return-Path: <a@b.example>\r\n" RECEIVED
#define RECEIVED "Received: from mx (mx.b.example [192.0.2.1])\r\n by inbound-smtp.eu-west-1.amazonaws.com" \
	" with SMTP id abc123\r\n for to@x.example;\r\n Fri, 20 Nov 2026 09:15:02 +0000 (UTC)\r\n"

static struct seshead parse(const char *s)
{
	struct seshead h;

	seshead_parse(s, strlen(s), &h);
	return h;
}

static int is(struct span v, const char *s)
{
	return v.p && v.len == strlen(s) && !memcmp(v.p, s, v.len);
}

static enum ses_word dkim(const char *results)
{
	char text[1024];

	snprintf(text, sizeof text, TOP "Authentication-Results: amazonses.com;%s\r\n\r\n", results);
	return parse(text).verdicts.word[SES_DKIM];
}

static int basics(void)
{
	struct seshead h = parse(TOP "X-SES-Spam-Verdict: FAIL\r\nX-SES-Virus-Verdict: PASS\r\n"
		"Received-SPF: pass (x) client-ip=1;\r\nFrom: x\r\n\r\n");

	CHECK(h.ses && is(h.from, "a@b.example") && is(h.smtp_id, "abc123") && is(h.rcpt, "to@x.example"));
	CHECK(is(h.date, "Fri, 20 Nov 2026 09:15:02 +0000 (UTC)"));
	CHECK(h.verdicts.word[SES_SPAM] == SES_FAIL && h.verdicts.word[SES_VIRUS] == SES_PASS);
	CHECK(h.verdicts.word[SES_SPF] == SES_PASS && h.verdicts.word[SES_DKIM] == SES_ABSENT);
	CHECK(!h.auth_results.p);
	h = parse("Return-Path: <>\nReceived: from x (y)\n by inbound-smtp.us-east-1.amazonaws.com with SMTP id q\n"
		" for \"a;b\"@x.example;\n Fri, 20 Nov 2026\n\n");
	CHECK(h.ses && h.from.p && !h.from.len && is(h.rcpt, "\"a;b\"@x.example"));
	return 0;
}

static int order(void)
{
	/* scanning off, and the sender writes what is missing */
	struct seshead h = parse(TOP "Received-SPF: fail x\r\nX-SES-DKIM-SIGNATURE: x\r\n"
		"X-SES-Spam-Verdict: PASS\r\nAuthentication-Results: amazonses.com; dmarc=pass;\r\n\r\n");

	CHECK(h.verdicts.word[SES_SPF] == SES_FAIL && !h.verdicts.word[SES_SPAM] && !h.verdicts.word[SES_DMARC]);
	h = parse(TOP "Subject: mine\r\nX-SES-Spam-Verdict: PASS\r\n\r\n");
	CHECK(h.ses && !h.verdicts.word[SES_SPAM]);
	h = parse(TOP "X-SES-Spam-Verdict: FAIL\r\nX-SES-Spam-Verdict: PASS\r\n\r\n");
	CHECK(h.verdicts.word[SES_SPAM] == SES_FAIL);
	h = parse(TOP "X-SES-Spam-Verdict: GREAT\r\n\r\n");
	CHECK(h.verdicts.word[SES_SPAM] == SES_UNKNOWN);
	return 0;
}

static int forged(void)
{
	static const char *const not_ses[] = {
		"", "x", "Return-Path: <a@b>\r\n", RECEIVED, "Subject: x\r\n" TOP,
		"Return-Path: a@b\r\n" RECEIVED,
		"Return-Path: <a@b>\r\nX: y\r\n" RECEIVED,
		"Return-Path: <a@b>\r\nReceived: from x by inbound-smtp.evil.example with SMTP id a for b@c; d\r\n",
		"Return-Path: <a@b>\r\nReceived: from x by inbound-smtp.a.b.amazonaws.com.evil with SMTP id a for b@c; d\r\n",
		"Return-Path: <a@b>\r\nReceived: from x by inbound-smtp.eu.amazonaws.com with SMTP id a; d\r\n",
		/* the HELO name carries a whole clause of its own */
		"Return-Path: <a@b>\r\nReceived: from x by inbound-smtp.eu-west-1.amazonaws.com with SMTP id z for v@w; d"
		" (y) by inbound-smtp.eu-west-1.amazonaws.com with SMTP id abc for t@x; d\r\n",
	};
	for (size_t i = 0; i < sizeof not_ses / sizeof *not_ses; i++)
		CHECK(!parse(not_ses[i]).ses);
	return 0;
}

static int results(void)
{
	CHECK(dkim(" spf=pass (x); dkim=pass header.i=@b; dmarc=fail;") == SES_PASS);
	CHECK(dkim("\r\n spf=pass (x); helo=h;\r\n dkim=pass header.i=@b;") == SES_PASS);
	CHECK(dkim("\r\n spf=pass (x); helo=h; dkim=pass header.i=@b;\r\n dmarc=fail;") == SES_GRAY);	/* the HELO name's */
	CHECK(dkim(" spf=pass (x); dmarc=fail;") == SES_GRAY);
	CHECK(dkim(" dkim=fail x; dkim=pass y;") == SES_PASS);
	CHECK(dkim(" dkim=fail x; dkim=temperror y;") == SES_FAIL);
	CHECK(dkim(" dkim=permerror;") == SES_PROCESSING_FAILED);
	CHECK(dkim(" spf=fail (x; dkim=pass y) z;") == SES_GRAY);
	CHECK(dkim(" spf=fail envelope-from=\"a; dkim=pass b\"@x;") == SES_GRAY);
	CHECK(dkim(" spf=fail envelope-from=\"a\\\"; dkim=pass b\"@x;") == SES_GRAY);
	CHECK(dkim(" spf=fail (x; dkim=pass;") == SES_ABSENT);	/* a comment without end: nothing is sure */
	CHECK(parse(TOP "Authentication-Results: evil.example; dkim=pass\r\n\r\n").verdicts.word[SES_DKIM] == SES_ABSENT);
	return 0;
}

static int worst(void)
{
	struct ses_verdicts v = { .word = { SES_PASS, SES_ABSENT, SES_FAIL }, .dmarc_policy = SES_P_NONE };
	struct ses_verdicts w = { .word = { SES_GRAY, SES_PASS, SES_PASS }, .dmarc_policy = SES_P_REJECT };

	ses_verdicts_add(&v, &w);
	CHECK(v.word[0] == SES_GRAY && v.word[1] == SES_PASS && v.word[2] == SES_FAIL);
	CHECK(v.dmarc_policy == SES_P_REJECT);
	CHECK(!strcmp(ses_word_name(SES_PROCESSING_FAILED), "PROCESSING_FAILED") && !ses_word_name(SES_ABSENT));
	return 0;
}

static int fields(void)
{
	static const char m[] = "A: 1\r\nDelivered-To: x@y\r\n folded\r\nDELIVERED-TO: z\r\n\r\nB: body\r\n";

	CHECK(is(seshead_field(m, sizeof m - 1, "delivered-to"), "x@y\r\n folded"));
	CHECK(!seshead_field(m, sizeof m - 1, "B").p);
	return 0;
}

int main(void)
{
	if (basics() || order() || forged() || results() || worst() || fields())
		return 1;
	puts("ok");
	return 0;
}
