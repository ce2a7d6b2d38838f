/*
 * notify.c - the forms of SES, SNS, SQS, Lambda and S3 notifications. See notify.h.
 *
 * A tree is wanted here (forms nest, members come in any order), so json-c. It
 * takes lone surrogates and bytes that are no UTF-8, which notifications that
 * quote mail headers do have.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "decode.h"
#include "notify.h"

#define JSON_DEPTH 32

static enum status form(struct json_object *o, int wraps, struct notes *out);

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (json_object_is_type(o, json_type_object))
		json_object_object_get_ex(o, key, &v);
	return v;
}

/* A string member's text (NUL-free as far as C sees it), NULL if it is none. */
static const char *text(struct json_object *o, const char *key)
{
	struct json_object *v = get(o, key);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

static bool is(struct json_object *o, const char *key, const char *want)
{
	const char *s = text(o, key);

	return s && !strcasecmp(s, want);
}

static bool copy(struct json_object *o, const char *key, char **out)
{
	const char *s = text(o, key);

	if (!s)
		return true;
	*out = strdup(s);
	return *out != NULL;
}

static enum status no_memory(void)
{
	return st_fail(ST_NOMEM, "notification: out of memory");
}

/* Room for one more; zeroed. */
static enum status add(struct notes *out, enum note_kind kind, const char *what, struct note **note_out)
{
	struct note *more;

	if (out->n == NOTIFY_MAX_NOTES)
		return st_fail(ST_LIMIT, "notification: more than %d in one file", NOTIFY_MAX_NOTES);
	more = realloc(out->note, (out->n + 1) * sizeof *more);
	if (!more)
		return no_memory();
	out->note = more;
	more += out->n++;
	*more = (struct note){ .kind = kind, .what = what, .size = -1 };
	*note_out = more;
	return ST_OK;
}

static enum status skip(struct notes *out, const char *what)
{
	struct note *n;

	return add(out, NOTE_SKIP, what, &n);
}

/* ---- the receipt ---- */

static void verdicts(struct json_object *receipt, struct ses_verdicts *v)
{
	static const char *const names[SES_CHECKS] = { "spamVerdict", "virusVerdict",
		"spfVerdict", "dkimVerdict", "dmarcVerdict" };
	const char *s;

	for (int i = 0; i < SES_CHECKS; i++) {
		s = text(get(receipt, names[i]), "status");
		if (s)
			v->word[i] = ses_word(s, strlen(s));
	}
	s = text(receipt, "dmarcPolicy");
	if (s)
		v->dmarc_policy = ses_policy(s, strlen(s));
}

static enum status recipients(struct json_object *receipt, struct note *n)
{
	struct json_object *list = get(receipt, "recipients");
	size_t count;

	if (!json_object_is_type(list, json_type_array))
		return st_fail(ST_BAD, "notification: a receipt without recipients");
	count = json_object_array_length(list);
	if (count > NOTIFY_MAX_RECIPIENTS)
		return st_fail(ST_LIMIT, "notification: more than %d recipients", NOTIFY_MAX_RECIPIENTS);
	n->to = calloc(count + 1, sizeof *n->to);
	if (!n->to)
		return no_memory();
	for (size_t i = 0; i < count; i++) {
		struct json_object *e = json_object_array_get_idx(list, i);

		if (!json_object_is_type(e, json_type_string))
			return st_fail(ST_BAD, "notification: a recipient that is no string");
		n->to[n->recipients] = strdup(json_object_get_string(e));
		if (!n->to[n->recipients])
			return no_memory();
		n->recipients++;
	}
	return ST_OK;
}

/* The message as the SNS action carries it: text, or base64 if the action says so. */
static enum status content(struct json_object *v, struct json_object *action, struct note *n)
{
	size_t len = (size_t)json_object_get_string_len(v);
	const char *s = json_object_get_string(v);
	struct decoder d;
	struct buf b = { 0 };

	decoder_init(&d, is(action, "encoding", "BASE64") ? ENC_BASE64 : ENC_IDENTITY);
	decode_all(&d, s, len, &b);
	if (!buf_ok(&b)) {
		buf_free(&b);
		return no_memory();
	}
	n->has_content = b.len > 0;
	n->content = b.p;
	n->content_len = b.len;
	return ST_OK;
}

static enum status receipt(struct json_object *o, struct notes *out)
{
	struct json_object *mail = get(o, "mail"), *rcpt = get(o, "receipt");
	struct json_object *action = get(rcpt, "action"), *body = get(o, "content");
	const char *id = text(mail, "messageId");
	struct note *n;
	enum status st;

	if (id && !strcmp(id, SES_SETUP_NAME))
		return skip(out, "setup");
	st = add(out, NOTE_RECEIPT, "receipt", &n);
	if (st != ST_OK)
		return st;
	if (!copy(mail, "messageId", &n->message_id) || !copy(mail, "source", &n->from)
	    || !copy(mail, "timestamp", &n->timestamp)
	    || (is(action, "type", "S3") && !copy(action, "objectKey", &n->object_key)))
		return no_memory();
	if (!n->message_id && !n->object_key)
		return st_fail(ST_BAD, "notification: names no message");
	n->option = is(o, "by", "weir-spool");
	verdicts(rcpt, &n->verdicts);
	st = recipients(rcpt, n);
	if (st == ST_OK && json_object_is_type(body, json_type_string))
		st = content(body, action, n);
	return st;
}

/* ---- S3's event ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Form-urlencoded: '+' is a blank, %XX a byte. */
static void form_decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0 && (hex(s[1]) || hex(s[2]))) {
			*to++ = (char)(hex(s[1]) * 16 + hex(s[2]));
			s += 2;
		} else {
			*to++ = *s == '+' ? ' ' : *s;
		}
	}
	*to = '\0';
}

static enum status object(struct json_object *record, struct notes *out)
{
	struct json_object *o = get(get(record, "s3"), "object"), *size = get(o, "size");
	const char *event = text(record, "eventName"), *key = text(o, "key"), *base;
	struct note *n;
	enum status st;

	if (event && !strstr(event, "ObjectCreated"))
		return skip(out, "removed");
	if (!key || !*key)
		return st_fail(ST_BAD, "notification: an S3 event without a key");
	base = strrchr(key, '/');
	if (!strcmp(base ? base + 1 : key, SES_SETUP_NAME))
		return skip(out, "setup");
	st = add(out, NOTE_OBJECT, "object", &n);
	if (st != ST_OK)
		return st;
	n->object_key = strdup(key);
	if (!n->object_key)
		return no_memory();
	form_decode(n->object_key);
	if (json_object_is_type(size, json_type_int))
		n->size = json_object_get_int64(size);
	return ST_OK;
}

/* ---- what they come wrapped in ---- */

static enum status parse_text(const char *p, size_t len, struct json_object **out)
{
	struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH);
	enum json_tokener_error err;

	if (!tok)
		return no_memory();
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	*out = json_tokener_parse_ex(tok, p, (int)len);
	err = json_tokener_get_error(tok);
	if (err == json_tokener_success && json_tokener_get_parse_end(tok) < len) {
		const char *rest = p + json_tokener_get_parse_end(tok);

		if (strspn(rest, " \t\r\n") < (size_t)(p + len - rest))
			err = json_tokener_error_parse_unexpected;
	}
	json_tokener_free(tok);
	if (err == json_tokener_success)
		return ST_OK;
	json_object_put(*out);
	*out = NULL;
	return st_fail(ST_BAD, "notification: no JSON: %s",
		err == json_tokener_continue ? "ends too early" : json_tokener_error_desc(err));
}

/* JSON inside a string: SNS's Message, SQS's body. */
static enum status wrapped(const char *s, int wraps, struct notes *out)
{
	struct json_object *o = NULL;
	enum status st;

	if (wraps == NOTIFY_MAX_WRAPS)
		return st_fail(ST_LIMIT, "notification: wrapped more than %d times", NOTIFY_MAX_WRAPS);
	/* SNS says this in words to a new S3 or SES topic, not in JSON. */
	if (strspn(s, " \t\r\n{[") == 0 && strstr(s, "Successfully validated SNS topic"))
		return skip(out, "test");
	st = parse_text(s, strlen(s), &o);
	if (st != ST_OK)
		return st;
	st = form(o, wraps + 1, out);
	json_object_put(o);
	return st;
}

void note_free(struct note *n)
{
	for (size_t k = 0; k < n->recipients; k++)
		free(n->to[k]);
	free(n->to);
	free(n->message_id);
	free(n->object_key);
	free(n->from);
	free(n->timestamp);
	free(n->content);
	free(n->json);
}

/* One of several that cannot be read must not cost the others. */
static enum status make_bad(struct notes *out, size_t from)
{
	struct note *n;

	while (out->n > from)
		note_free(&out->note[--out->n]);
	return add(out, NOTE_BAD, "bad", &n);
}

static enum status each(struct json_object *list, int wraps, struct notes *out)
{
	size_t n = json_object_array_length(list);
	enum status st = n ? ST_OK : st_fail(ST_BAD, "notification: an empty list");

	if (wraps == NOTIFY_MAX_WRAPS)
		return st_fail(ST_LIMIT, "notification: nested more than %d times", NOTIFY_MAX_WRAPS);
	for (size_t i = 0; i < n && st == ST_OK; i++) {
		struct json_object *e = json_object_array_get_idx(list, i);
		size_t before = out->n;

		st = form(e, wraps + 1, out);
		if (st == ST_BAD && n > 1)
			st = make_bad(out, before);
		if (st != ST_OK || n == 1 || out->n != before + 1)
			continue;
		free(out->note[before].json);
		out->note[before].json = strdup(json_object_to_json_string_ext(e, JSON_C_TO_STRING_PLAIN));
		if (!out->note[before].json)
			st = no_memory();
	}
	return st;
}

static bool feedback(struct json_object *o)
{
	static const char *const words[] = { "Bounce", "Complaint", "Delivery", "Send", "Reject",
		"Open", "Click", "Rendering Failure", "DeliveryDelay", "Subscription" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (is(o, "notificationType", words[i]) || is(o, "eventType", words[i]))
			return true;
	return is(o, "notificationType", "AmazonSnsSubscriptionSucceeded");
}

static enum status form(struct json_object *o, int wraps, struct notes *out)
{
	static const char *const lists[] = { "Records", "Messages" };
	static const char *const strings[] = { "Message", "body", "Body" };
	static const char *const objects[] = { "ses", "Sns" };

	if (json_object_is_type(o, json_type_array))
		return each(o, wraps, out);
	if (feedback(o))
		return skip(out, "feedback");
	if (json_object_is_type(get(o, "receipt"), json_type_object)
	    && json_object_is_type(get(o, "mail"), json_type_object))
		return receipt(o, out);
	if (is(o, "Event", "s3:TestEvent"))
		return skip(out, "test");
	if (is(o, "Type", "SubscriptionConfirmation") || is(o, "Type", "UnsubscribeConfirmation"))
		return skip(out, "subscription");
	if (json_object_is_type(get(o, "s3"), json_type_object))
		return object(o, out);
	for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
		if (json_object_is_type(get(o, objects[i]), json_type_object))
			return form(get(o, objects[i]), wraps, out);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (json_object_is_type(get(o, lists[i]), json_type_array))
			return each(get(o, lists[i]), wraps, out);
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
		if (text(o, strings[i]))
			return wrapped(text(o, strings[i]), wraps, out);
	return st_fail(ST_BAD, "notification: none of the forms of SES, SNS, SQS, Lambda or S3");
}

enum status notify_parse(const char *p, size_t len, struct notes *out)
{
	struct json_object *o = NULL;
	enum status st;

	*out = (struct notes){ 0 };
	if (len > NOTIFY_MAX_BYTES)
		return st_fail(ST_LIMIT, "notification: more than %u bytes", NOTIFY_MAX_BYTES);
	if (len >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
		p += 3, len -= 3;
	st = parse_text(p, len, &o);
	if (st == ST_OK)
		st = form(o, 0, out);
	json_object_put(o);
	if (st != ST_OK)
		notes_free(out);
	return st;
}

void notes_free(struct notes *n)
{
	for (size_t i = 0; i < n->n; i++)
		note_free(&n->note[i]);
	free(n->note);
	*n = (struct notes){ 0 };
}
