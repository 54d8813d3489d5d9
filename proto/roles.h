/* roles.h - what each role opens: which messages, and whose things. The engine judges by it (engine/authorise.h), people read it as
 * `pedido schema --roles`, and tests/integration/roles.txt says it again by hand. */
#ifndef PROTO_ROLES_H
#define PROTO_ROLES_H

#include "proto/schema.h"

/* Whose things somebody with a role may ask about, or change, with a message. */
enum pd_reach {
    PD_REACH_none,     /* he may not send it */
    PD_REACH_customer, /* those of the one customer that his key is of */
    PD_REACH_worker,   /* what workers of his key's name have, of all resellers */
    PD_REACH_reseller, /* those of his key's reseller */
    PD_REACH_all,
};

/* Whether what asks for `least` at least is open to `role`: an admin may all; an operator what a reseller, a monitor, a worker and
 * a customer may; a reseller what a monitor and a customer may. */
bool pd_role_includes(enum pd_role role, enum pd_role least);

/* `of_one`: the key is of one reseller, not of all. */
enum pd_reach pd_role_reach(enum pd_role role, bool of_one, const struct pd_block *message);

/* "none", "customer" ...; never NULL. */
const char *pd_reach_name(enum pd_reach reach);

#endif
