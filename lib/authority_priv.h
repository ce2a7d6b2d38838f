/* authority_priv.h - what authority.c does not say in public: addresses and queries on the wire. See authority_parse.c. */
#ifndef WEIR_AUTHORITY_PRIV_H
#define WEIR_AUTHORITY_PRIV_H

#include <netinet/in.h>
#include "authority.h"

#define EDNS_BYTES	1232	/* DNS flag day 2020: passes without fragments */
#define QUERY_BYTES	(12 + 255 + 4 + 11)

/* "IP" or "IP@PORT"; ip: room for INET6_ADDRSTRLEN. */
bool authority_address(const char *text, uint16_t port, struct sockaddr_storage *sa, socklen_t *len, char *ip);
/* Writes a query of at most QUERY_BYTES to p; 0: that is no name. */
size_t authority_query(const char *name, uint16_t type, uint16_t id, bool edns, uint8_t *p);
/* A few words for people about what is no answer. */
const char *authority_words(enum authority_result r, int rcode);

#endif
