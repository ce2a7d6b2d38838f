/* keyring_priv.h - what keyring.c and rotation.c share. */
#ifndef WEIR_KEYRING_PRIV_H
#define WEIR_KEYRING_PRIV_H
#include "keyring.h"
/* A new key for a slot: file written and synced, algorithm, public_key and file set; state and times are the caller's. */
enum status keyring_make(const char *home, const char *tenant, struct slot *s, enum key_algorithm a);
#endif
