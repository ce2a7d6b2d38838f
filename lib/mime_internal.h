/*
 * mime_internal.h - shared by mime.c, mime_head.c, mime_walk.c (GMime's tree) and reading.c (the
 * other readings of the same bytes).
 */
#ifndef WEIR_MIME_INTERNAL_H
#define WEIR_MIME_INTERNAL_H

#include "mime.h"

/* What one call of mime_parse has used up. */
struct work {
	struct mime *m;
	struct mime_limits l;
	unsigned readings, serial;
	size_t reread, decoded;
	bool nomem;
	struct buf text;	/* the part measured last, decoded, if text_kept */
	bool text_kept;
	struct mask *mask;	/* the innermost */
};

/* Bytes of a header that are overwritten while its entity is read in another way. */
struct mask {
	char *p;		/* the container they are in */
	const size_t *at;
	char *hidden;		/* what is not at `at` now: the true byte, or the mask while it is lifted */
	size_t count;
	struct mask *up;
};

/* The fields of a header block that matter to structure: the first of each. */
struct head {
	size_t begin, body;
	struct span type, encoding, disposition, cid;
	unsigned types, encodings, fields, content_fields, malformed;
	size_t blank_line;	/* offset of a line of blanks only, 0 if none */
	size_t no_field;	/* offset of the first line behind a field that is none, 0 if none */
	size_t folded_name;	/* of a Content- field whose colon is on another line, 0 if none */
	bool blank_before_colon, version;
};

/* Where an entity stands: its id, and the multiparts it is in. */
struct place {
	const char *id, *parent;
	int depth;
	size_t begin;
	const char *boundary;	/* of the multipart directly around it */
	const struct place *up;
};

/* An entity met in one reading. */
struct node {
	struct head head;
	size_t end;
	int part;		/* index in m->part; -1: not listed (structure of another reading) */
	char *boundary;		/* of a multipart: as GMime has it; ours to free */
	bool multipart;
	size_t lookalike;	/* a line in it that could be a delimiter; none: not below end */
	bool terminated, odd, padding_inside, too_deep;
	bool swallow;		/* an encoded message that GMime took for a plain one */
	int children;
	enum encoding enc;
	const char *identity;	/* its word, if it is ENC_IDENTITY */
};

/* One look of GMime at [begin,end) of a container. */
struct reader {
	struct work *w;
	char *p;		/* the container */
	size_t begin, end;
	const char *in;		/* the container's part; NULL: raw */
	bool cr;
	const char *of;		/* another reading of this part; NULL: the first reading */
	const char *id, *parent; /* the first reading's root */
	int depth;
	/* private: */
	struct prescan pre;	/* numbers only */
	size_t pos;		/* all before is accounted for */
	struct node *node;
	size_t nodes;
	int lost;
	int closed[MIME_MAX_DEPTH * 2 + 2];	/* nodes that have ended since pos; their `end` is open */
	int n_closed;
};

/* mime_walk.c */
void read_entity(struct reader *r);	/* GMime's tree of [begin,end), then all that follows from it */

/* mime_head.c */
bool all_blank(const char *p, size_t n);	/* blanks, tabs, CR */
/* Whether the line is "--boundary" or "--boundary--" and nothing more (GMime's rule). */
bool is_delimiter(const char *line, size_t n, const char *boundary, bool *close);
bool is_message_type(const char *type);
void read_head(const char *p, size_t begin, size_t end, const struct place *at, struct head *h);
/* Makes the part of an entity and adds it: the index or -1. gmime_type is what GMime made of it (counts where
 * there is no Content-Type: a digest's parts are messages). */
int add_entity(struct reader *r, struct node *n, struct part *p, const char *gmime_type);
/* Decoded size of a part in r's container; what the decoder met. */
void measure(struct reader *r, struct part *p, struct decoder *d);

/* mime.c */
/* Adds a part (strings are copied; id NULL makes one from `of`); -1 if the list is full or, for
 * other readings, if the bytes are listed already. */
int add_part(struct reader *r, const struct part *p);
/* reading.c */
/* Whoever reads a part later reads it without masks, so content is decoded and measured without them: between these two. */
void masks_lift(const struct reader *r);
void masks_lower(const struct reader *r);
/* Bytes that are in no part: lists them and reads them as whatever they may be. */
void read_stray(struct reader *r, size_t begin, size_t end, int owner, enum part_kind kind);
/* What [begin,end) might hold beyond plain text: entities behind "--" lines or Content- lines, base64, uuencode. */
void read_text_as_entities(struct reader *r, size_t begin, size_t end, const char *of);
/* uuencoded files in a listed part: the one measured last. */
void read_uuencode(struct reader *r, int part);
/* The decoded bytes of a listed part as a message. */
void read_enclosed(struct reader *r, int part);
/* Other readings of a listed leaf: other encodings, base64 that stops at its padding. */
void read_leaf_again(struct reader *r, const struct node *n);
/* Other readings of an entity: its other Content-Type fields, other boundaries, another end of its header. */
void read_entity_again(struct reader *r, const struct node *n);
/* A whole container: once as it is and, if it has bare CR, once with CR as line end. What the pre-scan
 * counted comes back in pre. */
void read_container(struct reader *r, struct prescan *pre);

#endif
