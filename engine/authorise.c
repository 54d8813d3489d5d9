#include "engine/authorise.h"

#include "proto/roles.h"

static const void *
value_of(const struct pd_message *m, struct pd_text name)
{
    const struct pd_field *field = pd_block_field(m->block, name);
    return field == NULL ? NULL : (const char *)m->body + field->offset;
}

/* A key of one reseller: another is as one that there is not. */
static struct pd_refusal
judge_reseller(const struct pd_key *grant, const struct pd_message *m)
{
    const bool *all = value_of(m, PD_TEXT("all"));

    if (all != NULL && *all) return pd_refuse_field(PD_E_not_authorised, NULL, "all");
    if (pd_text_equal(m->envelope.reseller, grant->reseller)) return pd_refuse(PD_OK);
    return pd_refuse_field(PD_E_reseller_not_found, NULL, "reseller");
}

static struct pd_refusal
judge_customer(const struct pd_key *grant, const struct pd_message *m)
{
    const struct pd_text *customer = value_of(m, PD_TEXT("customer"));

    if (customer == NULL || pd_text_equal(*customer, grant->customer)) return pd_refuse(PD_OK);
    return pd_refuse_field(PD_E_customer_not_found, NULL, "customer");
}

static bool
has_group(const struct pd_key *grant, struct pd_text group)
{
    bool found = grant->groups_count == 0;

    for (size_t i = 0; i < grant->groups_count && !found; i++) found = pd_text_equal(grant->groups[i], group);
    return found;
}

/* It has its key's name, or that and a dot and more: so nobody else has it, or reports what it has done. */
static struct pd_refusal
judge_worker(const struct pd_key *grant, const struct pd_message *m)
{
    const struct pd_text *worker = value_of(m, PD_TEXT("worker"));

    if (worker != NULL && !keys_name_covers(grant->name, *worker)) return pd_refuse_field(PD_E_not_authorised, NULL, "worker");
    if (m->block->code != PD_COMMAND_worker_ready) return pd_refuse(PD_OK);
    const struct pd_worker_ready *ready = m->body;
    for (size_t i = 0; i < ready->groups_count; i++)
        if (!has_group(grant, ready->groups[i])) return pd_refuse_field(PD_E_not_authorised, NULL, "groups[%zu]", i);
    return pd_refuse(PD_OK);
}

void
authorise_complete(const struct pd_key *grant, struct pd_message *m)
{
    if (grant != NULL && grant->reseller.data != NULL && !m->names_reseller) m->envelope.reseller = grant->reseller;
}

struct pd_refusal
authorise(const struct pd_key *grant, const struct pd_message *m)
{
    struct pd_refusal refusal = pd_refuse(PD_OK);

    enum pd_reach     reach;

    if (grant == NULL) return pd_refuse(PD_E_not_authorised);
    reach = pd_role_reach(grant->role, grant->reseller.data != NULL, m->block);
    if (reach == PD_REACH_none) return pd_refuse(PD_E_not_authorised);
    if (grant->reseller.data != NULL) refusal = judge_reseller(grant, m);
    if (refusal.code == PD_OK && reach == PD_REACH_customer) refusal = judge_customer(grant, m);
    if (refusal.code == PD_OK && reach == PD_REACH_worker) refusal = judge_worker(grant, m);
    return refusal;
}

bool
authorise_prefix(const struct pd_key *grant, struct pd_text prefix)
{
    if (grant == NULL || !pd_role_includes(grant->role, PD_role_monitor)) return false;
    struct pd_text own = grant->reseller;
    return own.data == NULL ||
           (prefix.size > own.size && memcmp(prefix.data, own.data, own.size) == 0 && prefix.data[own.size] == '/');
}
