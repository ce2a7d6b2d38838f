/* provider.c - see provider.h: the table of SES's regions, and the file that overrides it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "domain.h"
#include "file.h"
#include "json.h"
#include "provider.h"

/* What SES offers where. Easy DKIM's targets lie under dkim.amazonses.com in most regions and under
 * dkim.REGION.amazonses.com in the newer ones. Feedback hosts are amazonses.com, inbound hosts amazonaws.com. */
static const struct region { const char *name; bool receives, own_dkim; } regions[] = {
	{ "af-south-1",     true,  true },	{ "ap-northeast-1", true,  false },
	{ "ap-northeast-2", false, false },	{ "ap-northeast-3", false, true },
	{ "ap-south-1",     true,  false },	{ "ap-south-2",     false, true },
	{ "ap-southeast-1", true,  false },	{ "ap-southeast-2", true,  false },
	{ "ap-southeast-3", true,  true },	{ "ap-southeast-5", false, true },
	{ "ca-central-1",   true,  false },	{ "ca-west-1",      false, true },
	{ "eu-central-1",   true,  false },	{ "eu-central-2",   false, true },
	{ "eu-north-1",     true,  false },	{ "eu-south-1",     false, true },
	{ "eu-west-1",      true,  false },	{ "eu-west-2",      true,  false },
	{ "eu-west-3",      false, false },	{ "il-central-1",   false, true },
	{ "me-central-1",   false, true },	{ "me-south-1",     false, false },
	{ "sa-east-1",      false, false },	{ "us-east-1",      true,  false },
	{ "us-east-2",      true,  false },	{ "us-gov-east-1",  false, true },
	{ "us-gov-west-1",  false, false },	{ "us-west-1",      true,  false },
	{ "us-west-2",      true,  false },
};

struct providers { struct provider *said; size_t n; };	/* table and file put together, only those of the file */

static bool from_table(const char *name, struct provider *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", name);
	out->spf_lookups = 1;
	for (size_t i = 0; strncmp(name, "ses:", 4) == 0 && i < sizeof(regions) / sizeof(*regions); i++) {
		const struct region *r = &regions[i];

		if (strcmp(name + 4, r->name) != 0)
			continue;
		if (r->receives)
			snprintf(out->inbound, sizeof(out->inbound), "inbound-smtp.%s.amazonaws.com", r->name);
		snprintf(out->feedback, sizeof(out->feedback), "feedback-smtp.%s.amazonses.com", r->name);
		snprintf(out->dkim, sizeof(out->dkim), "dkim.%s%samazonses.com", r->own_dkim ? r->name : "",
			r->own_dkim ? "." : "");
		snprintf(out->spf, sizeof(out->spf), "include:amazonses.com");
		return true;
	}
	return false;
}

/* ---- the file ---- */

static enum status bad(const char *who, const char *member, const char *why)
{
	return st_fail(ST_CONFIG, "providers: \"%.40s\": \"%.40s\": %.300s", who, member, why);
}

static enum status text_of(struct span v, struct buf *b)
{
	buf_clear(b);
	return json_text(v, b) && buf_ok(b) && !memchr(b->p, '\0', b->len) ? ST_OK : st_fail(ST_BAD, "no text");
}

static enum status name_of(struct span v, char out[DOMAIN_MAX_BYTES + 1])
{
	struct buf text = { 0 }, name = { 0 };
	enum status st = text_of(v, &text);

	if (st == ST_OK)
		st = domain_dns_name(text.p, &name);
	if (st == ST_OK)
		snprintf(out, DOMAIN_MAX_BYTES + 1, "%s", name.p);
	buf_free(&text);
	buf_free(&name);
	return st;
}

enum status name_server_address(const char *text, char out[48])
{
	unsigned char raw[16];
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, raw) != 1 || inet_ntop(family, raw, out, 48) == NULL)
		return st_fail(ST_BAD, "%.60s is no IP address", text);
	return ST_OK;
}

static enum status add_addresses(struct span v, struct name_server *ns)
{
	struct buf text = { 0 };
	struct span e;
	enum status st = json_type(v) == '[' ? ST_OK : st_fail(ST_BAD, "\"addresses\" is no list");

	while (st == ST_OK && json_elem(&v, &e)) {
		if (ns->n_address == NS_ADDRESSES_MAX)
			st = st_fail(ST_LIMIT, "over %d addresses at %s", NS_ADDRESSES_MAX, ns->name);
		if (st == ST_OK)
			st = text_of(e, &text);
		if (st == ST_OK)
			st = name_server_address(text.p, ns->address[ns->n_address]);
		if (st == ST_OK)
			ns->n_address++;
	}
	buf_free(&text);
	return st;
}

enum status name_servers_read(struct span v, struct name_server *ns, size_t *n_out)
{
	struct span e, key, val;
	enum status st = json_type(v) == '[' ? ST_OK : st_fail(ST_BAD, "is no list of {\"name\":...,\"addresses\":[...]}");
	size_t n = 0;

	while (st == ST_OK && json_elem(&v, &e)) {
		if (n == NAME_SERVERS_MAX)
			return st_fail(ST_LIMIT, "over %d name servers", NAME_SERVERS_MAX);
		memset(&ns[n], 0, sizeof(ns[n]));
		if (json_type(e) != '{')
			return st_fail(ST_BAD, "is no list of {\"name\":...,\"addresses\":[...]}");
		while (st == ST_OK && json_member(&e, &key, &val)) {
			if (key.len == 4 && memcmp(key.p, "name", 4) == 0)
				st = name_of(val, ns[n].name);
			else if (key.len == 9 && memcmp(key.p, "addresses", 9) == 0)
				st = add_addresses(val, &ns[n]);
			else
				st = st_fail(ST_BAD, "\"%.*s\" is unknown", (int)(key.len < 40 ? key.len : 40), key.p);
		}
		if (st == ST_OK && ns[n].name[0] == '\0')
			st = st_fail(ST_BAD, "a name server without a name");
		n++;
	}
	*n_out = n;
	return st;
}

/* "include:", "a:", "mx:", "ip4:", "ip6:" and what follows: no macros, nothing that could end the record. */
static enum status spf_of(struct span v, char *out, size_t size)
{
	struct buf text = { 0 };
	enum status st = text_of(v, &text);

	if (st == ST_OK && (text.len >= size || strspn(text.p, "abcdefghijklmnopqrstuvwxyz0123456789.:/_-") != text.len ||
			strchr(text.p, ':') == NULL || strncmp(text.p, "all", 3) == 0))
		st = st_fail(ST_BAD, "is no mechanism such as include:_spf.platform.example or ip4:192.0.2.0/24");
	if (st == ST_OK)
		snprintf(out, size, "%s", text.p);
	buf_free(&text);
	return st;
}

static enum status lookups_of(struct span v, int *out)
{
	int64_t n;

	if (!json_get_int(v, &n) || n < 0 || n > 10)
		return st_fail(ST_BAD, "is no number from 0 to 10");
	*out = (int)n;
	return ST_OK;
}

static enum status hostmaster_of(struct span v, char out[255])
{
	struct buf text = { 0 };
	char address[REPORT_MAX_BYTES + 1];
	enum status st = text_of(v, &text);

	if (st == ST_OK)
		st = domain_report_address(text.p, address);
	if (st == ST_OK)
		snprintf(out, 255, "%s", address);
	buf_free(&text);
	return st;
}

static enum status member(struct provider *p, struct span key, struct span v)
{
	char word[41];
	enum status st;
	bool own = strcmp(p->name, "own") == 0;

	snprintf(word, sizeof(word), "%.*s", (int)(key.len < 40 ? key.len : 40), key.p);
	if (strcmp(word, "inbound") == 0)
		st = name_of(v, p->inbound);
	else if (strcmp(word, "feedback") == 0)
		st = name_of(v, p->feedback);
	else if (strcmp(word, "dkim") == 0)
		st = name_of(v, p->dkim);
	else if (strcmp(word, "spf") == 0)
		st = spf_of(v, p->spf, sizeof(p->spf));
	else if (strcmp(word, "spf_lookups") == 0)
		st = lookups_of(v, &p->spf_lookups);
	else if (own && strcmp(word, "platform") == 0)
		st = name_of(v, p->platform);
	else if (own && strcmp(word, "hostmaster") == 0)
		st = hostmaster_of(v, p->hostmaster);
	else if (own && strcmp(word, "ns") == 0)
		st = name_servers_read(v, p->ns, &p->n_ns);
	else
		st = st_fail(ST_BAD, "is unknown%s", own ? "" : " (platform, hostmaster and ns are \"own\"'s)");
	return st == ST_OK ? ST_OK : bad(p->name, word, st_text());
}

/* "own", or "ses:" and [a-z0-9-]. */
static bool provider_name(const char *s, size_t len)
{
	if (len == 3 && memcmp(s, "own", 3) == 0)
		return true;
	return len > 4 && len <= PROVIDER_NAME_MAX && memcmp(s, "ses:", 4) == 0 &&
		strspn(s + 4, "abcdefghijklmnopqrstuvwxyz0123456789-") >= len - 4;
}

static enum status entry(struct providers *p, struct span key, struct span v)
{
	struct provider *said = &p->said[p->n];
	char name[PROVIDER_NAME_MAX + 1];
	struct span k, val;
	enum status st = ST_OK;

	if (p->n == PROVIDERS_MAX)
		return st_fail(ST_CONFIG, "providers: more than %d", PROVIDERS_MAX);
	if (!provider_name(key.p, key.len))
		return st_fail(ST_CONFIG, "providers: \"%.*s\" is neither \"own\" nor \"ses:REGION\"",
			(int)(key.len < 40 ? key.len : 40), key.p);
	if (json_type(v) != '{')
		return st_fail(ST_CONFIG, "providers: \"%.*s\" is no object", (int)key.len, key.p);
	snprintf(name, sizeof(name), "%.*s", (int)key.len, key.p);
	from_table(name, said);
	while (st == ST_OK && json_member(&v, &k, &val))
		st = member(said, k, val);
	p->n++;
	return st;
}

enum status providers_read(const char *json, size_t len, struct providers **out)
{
	struct providers *p = calloc(1, sizeof(*p));
	struct span v = { json, len }, key, val;
	enum status st = json_valid(json, len);

	if (p != NULL)
		p->said = calloc(PROVIDERS_MAX, sizeof(*p->said));
	if (p == NULL || p->said == NULL) {
		providers_close(&p);
		return st_fail(ST_NOMEM, "providers: out of memory");
	}
	if (st != ST_OK)
		st = st_fail(ST_CONFIG, "providers: %.400s", st_text());
	else if (json_type(v) != '{')
		st = st_fail(ST_CONFIG, "providers: no object");
	while (st == ST_OK && json_member(&v, &key, &val))
		st = entry(p, key, val);
	if (st == ST_OK)
		*out = p;
	else
		providers_close(&p);
	return st;
}

enum status providers_open(const char *home, const char *file_or_null, struct providers **out)
{
	struct buf path = { 0 }, text = { 0 };
	enum status st = ST_OK;
	int fd;

	if (file_or_null != NULL)
		buf_str(&path, file_or_null);
	else
		buf_fmt(&path, "%s/%s", home, PROVIDERS_FILE);
	if (!buf_ok(&path)) {
		buf_free(&path);
		return st_fail(ST_NOMEM, "providers: out of memory");
	}
	fd = open(path.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT && file_or_null == NULL) {
		st = providers_read("{}", 2, out);
	} else if (fd < 0) {
		st = st_fail_errno("providers: %s", path.p);
	} else {
		st = file_read_fd(fd, 0, -1, PROVIDERS_MAX_BYTES, &text);
		if (st == ST_OK)
			st = providers_read(buf_cstr(&text), text.len, out);
		close(fd);
	}
	buf_free(&path);
	buf_free(&text);
	return st;
}

void providers_close(struct providers **p)
{
	if (*p != NULL)
		free((*p)->said);
	free(*p);
	*p = NULL;
}

/* ---- asking ---- */

static enum status complete(struct provider *p)
{
	const char *lacks;

	if (strcmp(p->name, "own") == 0 && p->platform[0] != '\0' && p->dkim[0] == '\0' &&
			strlen(p->platform) + 5 <= DOMAIN_MAX_BYTES)
		snprintf(p->dkim, sizeof(p->dkim), "dkim.%.248s", p->platform);
	lacks = strcmp(p->name, "own") == 0 && p->platform[0] == '\0' ? "platform" : p->feedback[0] == '\0' ? "feedback" :
		p->dkim[0] == '\0' ? "dkim" : p->spf[0] == '\0' ? "spf" : NULL;
	if (lacks != NULL)
		return st_fail(ST_CONFIG, "provider %s: \"%s\" is not known: say it in HOME/" PROVIDERS_FILE
			" or --providers FILE, see PROVIDERS in weir-domain(1)", p->name, lacks);
	return ST_OK;
}

enum status provider_get(const struct providers *p, const char *name, struct provider *out)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->said[i].name, name) == 0) {
			*out = p->said[i];
			return complete(out);
		}
	}
	if (from_table(name, out))
		return ST_OK;
	if (strcmp(name, "own") == 0)
		return complete(out);
	if (provider_name(name, strlen(name)))
		return st_fail(ST_BAD, "no SES region %.40s is known, as eu-central-1 and us-east-1 are; a new one can be described in "
			"HOME/" PROVIDERS_FILE, name + 4);
	return st_fail(ST_BAD, "%.40s is no provider: there are own and ses:REGION (as ses:eu-central-1)", name);
}
