/*
 * event.h - what weir-event does, by mode.
 *
 * Each of these enters the sandbox, says on stderr what is wrong and returns the exit status. Nothing is printed while a
 * transaction is open.
 */
#ifndef WEIR_EVENT_H
#define WEIR_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include "file.h"
#include "reports.h"
#include "reportsum.h"

enum event_mode { EVENT_READ, EVENT_RECORDS, EVENT_TABLE, EVENT_LIST };

struct event_opts {
	enum report_kind kind;
	enum sum_by sum;
	const char *home, *tenant, *table, *by, *domain, *type;
	int64_t since, before;
	bool bare, records, json, pretty, unproven, any_root;
	struct roots *roots;
};

/* Files, or standard input: mails, or with o->bare reports. Shown, and with o->tenant stored. 65: one of them was no
 * report that can be used, or is about somebody else's domain; the others were done. */
int event_read(const struct event_opts *o, int n, char *files[]);
/* A filter: appends "dmarc_reports" or "tls_reports" to records whose mail brings some. */
int event_records(const struct event_opts *o);
int event_table(const struct event_opts *o);
int event_list(const struct event_opts *o, const char *tenant);

#endif
