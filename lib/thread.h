/*
 * thread.h - which ids a message links to.
 *
 * A node is a Message-ID, hashed: the first 16 bytes of the SHA-256 of the id as written between < and >. A message
 * without one is the node of "weir:" + its id (64 hex digits). The set of threads is the set of connected
 * components of all links; so arrival order cannot matter. A thread's public id is the smallest node in
 * it, in 32 hex digits; since every id ever handed out is a node of the component, none ever dangles: look the node up.
 */
#ifndef WEIR_THREAD_H
#define WEIR_THREAD_H
#include <stdint.h>
#include "record.h"

#define NODE_BYTES 16
#define THREAD_MAX_LINKS 100	/* the first and the last 99 ids of References and In-Reply-To */

struct node { uint8_t b[NODE_BYTES]; };
enum status node_of(const char *message_id, size_t len, struct node *out);	/* ST_NOMEM */
/* The message's own node and what it links to, from record keys id, message.message_id, message.references, message.in_reply_to.
 * links_out holds up to THREAD_MAX_LINKS, without repeats and without the message itself, in order. */
enum status thread_links(const struct rec *rec, struct node *self_out, struct node *links_out, size_t *n_out);
#endif
