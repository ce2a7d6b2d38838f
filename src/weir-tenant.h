/* weir-tenant.h - what weir-tenant.c and tenant_apply.c share. */
#ifndef WEIR_TENANT_H
#define WEIR_TENANT_H

#include <stdbool.h>
#include "status.h"

struct opts { const char *home, *shared; int json, erase; };

/* Reads what plan and apply look things up in, before the fence goes up. */
enum status apply_prepare(const struct opts *o);
/* Standard input in the place of the tenant's settings (name NULL: whose it says it is); keep false: plan. *changes_out: whether
 * anything is another way now, or would be. */
enum status apply(const struct opts *o, const char *name, bool keep, bool *changes_out);

#endif
