/* domain_tenant.c - whether a tenant's domains go together with each other and with its addresses, see domain.h. */
#include <stdio.h>
#include <string.h>
#include "domain.h"
#include "settings.h"

struct check { struct store *st; struct domain d; };

/* MAIL FROM gets bounces, which are the provider's to read: mail to it must not be a tenant's as well. */
static enum status check_mail_from(struct check *c)
{
	char name[LABEL_MAX_BYTES + DOMAIN_MAX_BYTES + 2];
	struct domain_setting unused;
	enum status rc;

	snprintf(name, sizeof(name), "%s.%s", c->d.mail_from, c->d.name);
	if (strlen(name) > DOMAIN_MAX_BYTES)
		return ST_OK;	/* nobody can have it; domain_check() refuses it */
	rc = setting_domain(c->st, name, &unused);
	if (rc == ST_OK)
		return st_fail(ST_BAD, "%s is the MAIL FROM of %s: it gets bounces and cannot receive mail of its own (another --mail-from "
			"for %s would do)", name, c->d.name, c->d.name);
	return rc == ST_NOTFOUND ? ST_OK : rc;
}

static enum status check_null_mx(struct check *c, const struct domain_setting *s)
{
	size_t live = 0, all = 0;
	enum status rc;

	if (s->any[0] != '\0' || s->catch_all[0] != '\0')
		return st_fail(ST_BAD, "%s takes no mail (--null-mx): it cannot take mail for any address, too", c->d.name);
	rc = setting_domain_count(c->st, c->d.name, &live, &all);
	if (rc == ST_OK && all > 0)
		return st_fail(ST_BAD, "%s takes no mail (--null-mx), but there %s %zu address%s: what is sent to %s would be turned away",
			c->d.name, all == 1 ? "is" : "are", all, all == 1 ? "" : "es", all == 1 ? "it" : "them");
	return rc;
}

static enum status check_one(void *arg, const char *name, const struct domain_setting *s)
{
	struct check *c = arg;
	enum status rc = domain_get(c->st, name, &c->d);

	if (rc == ST_OK && c->d.mode != DOMAIN_PLAIN)
		rc = check_mail_from(c);
	if (rc == ST_OK && c->d.null_mx)
		rc = check_null_mx(c, s);
	return rc;
}

enum status domains_check(struct store *st)
{
	struct check c = { .st = st };

	return setting_domains(st, check_one, &c);
}
