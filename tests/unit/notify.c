/* notify: what is read out of a notification, and what is refused. The forms as they come from
 * outside are in tests/spool.bats and tests/ses-suite.bats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "notify.h"

#define CHECK(c) do { if (!(c)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #c); return 1; } } while (0)
#define MAIL "\"mail\":{\"messageId\":\"id1\",\"source\":\"a@b\",\"timestamp\":\"2026-11-20T09:15:02.114Z\"}"
#define RCPT "\"receipt\":{\"recipients\":[\"x@y\",\"z@y\"],\"spamVerdict\":{\"status\":\"PASS\"}," \
	"\"dmarcPolicy\":\"reject\",\"action\":{\"type\":\"S3\",\"objectKey\":\"in/id1\"}}"

static struct notes notes;

static enum status parse(const char *s)
{
	notes_free(&notes);
	return notify_parse(s, strlen(s), &notes);
}

static int receipts(void)
{
	const struct note *n;

	CHECK(parse("{" MAIL "," RCPT "}") == ST_OK && notes.n == 1);
	n = notes.note;
	CHECK(n->kind == NOTE_RECEIPT && !strcmp(n->message_id, "id1") && !strcmp(n->object_key, "in/id1"));
	CHECK(n->recipients == 2 && !strcmp(n->to[1], "z@y") && !strcmp(n->from, "a@b") && n->size == -1);
	CHECK(n->verdicts.word[SES_SPAM] == SES_PASS && n->verdicts.word[SES_VIRUS] == SES_ABSENT);
	CHECK(n->verdicts.dmarc_policy == SES_P_REJECT && !n->has_content && !n->json && !n->option);
	CHECK(parse("\xef\xbb\xbf {" MAIL "," RCPT "} \n") == ST_OK && notes.n == 1);
	CHECK(parse("{\"content\":\"a\\u00e4\\u0000b\"," MAIL "," RCPT "}") == ST_OK);
	CHECK(notes.note->has_content && notes.note->content_len == 5 && !memcmp(notes.note->content, "a\xc3\xa4\0b", 5));
	/* a lone surrogate, as mail headers in notifications have them */
	CHECK(parse("{\"x\":\"\\ud83d\"," MAIL "," RCPT "}") == ST_OK);
	return 0;
}

static int wrapped(void)
{
	CHECK(parse("{\"Records\":[{\"ses\":{" MAIL "," RCPT "}},{\"ses\":{" MAIL "," RCPT "}}]}") == ST_OK);
	CHECK(notes.n == 2 && notes.note[0].json && notes.note[1].json);
	CHECK(parse("{\"Records\":[{\"ses\":{" MAIL "," RCPT "}},{\"odd\":1}]}") == ST_OK);
	CHECK(notes.n == 2 && notes.note[0].kind == NOTE_RECEIPT && notes.note[1].kind == NOTE_BAD);
	CHECK(parse("{\"Message\":\"{\\\"Message\\\":\\\"{\\\\\\\"Event\\\\\\\":\\\\\\\"s3:TestEvent\\\\\\\"}\\\"}\"}") == ST_OK);
	CHECK(notes.n == 1 && notes.note->kind == NOTE_SKIP && !strcmp(notes.note->what, "test"));
	CHECK(parse("{\"Type\":\"SubscriptionConfirmation\",\"Message\":\"You have\"}") == ST_OK
		&& notes.note->kind == NOTE_SKIP);
	CHECK(parse("{\"eventType\":\"Delivery\",\"mail\":{}}") == ST_OK && notes.note->kind == NOTE_SKIP);
	return 0;
}

static int s3(void)
{
	CHECK(parse("{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"object\":{\"key\":\"a+b%2fc%C3%A4%00%zz%\",\"size\":7}}}]}") == ST_OK);
	CHECK(notes.note->kind == NOTE_OBJECT && notes.note->size == 7);
	CHECK(!strcmp(notes.note->object_key, "a b/c\xc3\xa4%00%zz%"));
	CHECK(parse("{\"Records\":[{\"eventName\":\"ObjectRemoved:Delete\",\"s3\":{\"object\":{\"key\":\"a\"}}}]}") == ST_OK
		&& notes.note->kind == NOTE_SKIP);
	return 0;
}

static int refused(void)
{
	static const char *const bad[] = { "", " ", "{", "[]", "[[[[[[1]]]]]]", "null", "1", "{}", "{}{}", "\"x\"",
		"{" MAIL ",\"receipt\":{}}", "{" MAIL ",\"receipt\":{\"recipients\":[1]}}", "{\"mail\":{}," RCPT "} x",
		"{\"mail\":{},\"receipt\":{\"recipients\":[]}}", "{\"Records\":[]}", "{\"Message\":\"\"}",
		"{\"Records\":[{\"s3\":{}}]}" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (parse(bad[i]) == ST_OK) {
			printf("taken: %s\n", bad[i]);
			return 1;
		}
	char deep[4096];
	memset(deep, '[', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	CHECK(parse(deep) == ST_BAD && notes.n == 0);
	return 0;
}

int main(void)
{
	int failed = receipts() || wrapped() || s3() || refused();

	notes_free(&notes);
	if (!failed)
		puts("ok");
	return failed;
}
