/* key.c - who may do what: keys, and users of the engine's machine, that were granted a role. */
#include "engine/domain/rules.h"
#include "engine/domain/support.h"

/* ---- rules --------------------------------------------------------------------------------------------------------- */

static bool
is_granted(enum pd_role role)
{
    return role >= PD_role_customer && role <= PD_role_admin;
}

/* What does not go with the role; PD_OK: all does. */
static struct pd_refusal
judge_role(const struct view *view, const struct pd_grant_key *c)
{
    bool one = c->role == PD_role_reseller || c->role == PD_role_customer, customer = c->role == PD_role_customer;

    if (!is_granted(c->role))
        return pd_refuse_field(PD_E_invalid_field, "one of customer, monitor, worker, reseller, operator, admin", "role");
    if (one && c->all) return pd_refuse_field(PD_E_invalid_field, "absent: this role is of one reseller", "all");
    if (customer && c->customer.data == NULL) return pd_refuse_field(PD_E_missing_field, NULL, "customer");
    if (!customer && c->customer.data != NULL)
        return pd_refuse_field(PD_E_invalid_field, "absent: only the role customer has one", "customer");
    if (c->role != PD_role_worker && c->groups_count > 0)
        return pd_refuse_field(PD_E_invalid_field, "absent: only the role worker has some", "groups");
    if (customer && view->customer(view->ctx, c->customer) == NULL)
        return pd_refuse_field(PD_E_customer_not_found, NULL, "customer");
    return pd_refuse(PD_OK);
}

void
decide_grant_key(const struct view *view, const struct pd_grant_key *c, struct decision *out)
{
    const struct pd_key *row = view->key(view->ctx, c->key);
    struct pd_refusal    refusal = judge_role(view, c);

    if (refusal.code != PD_OK) refuse(out, refusal);
    if (refusal.code != PD_OK || !meets_expectation(view, row == NULL ? 0 : row->version, out)) return;
    bool all = c->all || c->role == PD_role_admin || c->role == PD_role_worker; /* groups are of all resellers */
    *EMIT(out, key_granted) = (struct pd_key_granted){
        .key = c->key, .name = c->name, .role = c->role, .reseller = all ? (struct pd_text){NULL, 0} : view->reseller->reseller,
        .customer = c->customer, .groups = c->groups, .groups_count = c->groups_count,
    };
}

void
decide_revoke_key(const struct view *view, const struct pd_revoke_key *c, struct decision *out)
{
    const struct pd_key *row = view->key(view->ctx, c->key);

    if (row == NULL || row->revoked) refuse(out, pd_refuse_field(PD_E_key_not_found, NULL, "key"));
    else if (meets_expectation(view, row->version, out))
        *EMIT(out, key_revoked) = (struct pd_key_revoked){.key = c->key, .reason = c->reason};
}

/* ---- folds --------------------------------------------------------------------------------------------------------- */

void
evolve_key_granted__key(struct pd_key *row, const struct pd_key_granted *e, const struct fold *f)
{
    row->key = e->key;
    row->name = e->name;
    row->role = e->role;
    row->reseller = e->reseller;
    row->customer = e->customer;
    row->groups = e->groups;
    row->groups_count = e->groups_count;
    row->revoked = false;
    row->since = f->time;
}

void
evolve_key_revoked__key(struct pd_key *row, const struct pd_key_revoked *e, const struct fold *f)
{
    (void)e;
    row->revoked = true;
    row->since = f->time;
}
