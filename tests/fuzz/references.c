/* Message ids and references out of a record: nodes, links, and what the store would keep of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct entity e;
	static struct digest d;
	struct node self, links[THREAD_MAX_LINKS];
	struct rec rec;
	size_t n = 0;
	int64_t date;

	received_date((const char *)data, size, &date);
	if (rec_parse(&rec, (const char *)data, size) != ST_OK)
		return 0;
	if (thread_links(&rec, &self, links, &n) == ST_OK) {
		if (n > THREAD_MAX_LINKS)
			abort();
		for (size_t i = 0; i < n; i++)
			if (!memcmp(&links[i], &self, sizeof self))
				abort();
	}
	/* What goes into the journal comes out of it again. */
	if (entity_from_record(&rec, NULL, &d, &e) == ST_OK) {
		struct buf journal = { 0 };
		static struct entity back;

		if (entity_journal(&e, &journal) != ST_OK || json_valid(journal.p, journal.len) != ST_OK
				|| entity_from_journal((struct span){ journal.p, journal.len }, &back) != ST_OK
				|| back.content.len != e.content.len || back.link_n != e.link_n || back.attachments != e.attachments)
			abort();
		buf_free(&journal);
	}
	return 0;
}
