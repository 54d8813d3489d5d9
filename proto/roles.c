#include "proto/roles.h"

/* Bit n: what asks for role n at least is included. */
#define MAY(role) (1u << PD_role_##role)
static const unsigned included[] = {
    [PD_role_customer] = MAY(anyone) | MAY(customer),
    [PD_role_monitor] = MAY(anyone) | MAY(monitor),
    [PD_role_worker] = MAY(anyone) | MAY(worker),
    [PD_role_reseller] = MAY(anyone) | MAY(customer) | MAY(monitor) | MAY(reseller),
    [PD_role_operator] = MAY(anyone) | MAY(customer) | MAY(monitor) | MAY(worker) | MAY(reseller) | MAY(operator),
    [PD_role_admin] = MAY(anyone) | MAY(customer) | MAY(monitor) | MAY(worker) | MAY(reseller) | MAY(operator) | MAY(admin),
};

bool
pd_role_includes(enum pd_role role, enum pd_role least)
{
    return (size_t)role < sizeof included / sizeof included[0] && included[role] >> least & 1;
}

enum pd_reach
pd_role_reach(enum pd_role role, bool of_one, const struct pd_block *message)
{
    if (!pd_role_includes(role, message->role) || (of_one && message->flags & PD_SPANS)) return PD_REACH_none;
    if (role == PD_role_customer && pd_block_field(message, PD_TEXT("customer")) != NULL) return PD_REACH_customer;
    if (role == PD_role_worker && pd_block_field(message, PD_TEXT("worker")) != NULL) return PD_REACH_worker;
    return of_one ? PD_REACH_reseller : PD_REACH_all;
}

const char *
pd_reach_name(enum pd_reach reach)
{
    static const char *const names[] = {"none", "customer", "worker", "reseller", "all"};
    return names[reach];
}
