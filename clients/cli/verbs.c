/* verbs.c - the verbs: one row each. */
#include "clients/cli/cli.h"

static const struct option wait_options[] = {
    {.name = "wait", .kind = OPTION_EITHER, .value = "SECONDS",
     .about = "Wait until the order has ended or can go no further; at most so many seconds."},
    {.name = ""},
};
static const struct option send_options[] = {
    {.name = "data", .kind = OPTION_VALUE, .value = "JSON",
     .about = "The fields as one JSON object; those given one by one are set in it."},
    {.name = ""},
};
static const struct option tail_options[] = {
    {.name = "type", .kind = OPTION_VALUE, .value = "TYPE", .about = "Only events of this type, such as OrderCompleted."},
    {.name = "count", .kind = OPTION_VALUE, .value = "N", .about = "End after so many events."},
    {.name = ""},
};
static const struct option schema_options[] = {
    {.name = "markdown", .kind = OPTION_FLAG, .about = "The documentation of every message, as Markdown."},
    {.name = "lock", .kind = OPTION_FLAG, .about = "One line for every number that may never change."},
    {.name = ""},
};

#define ADD_HINT "pedido order add {customer} --plan PLAN --period PERIOD"

static const struct verb verbs[] = {
    {"reseller put", pd_block_put_reseller, "reseller [name]", 0, run_message, NULL,
     "pedido plan put PLAN --name NAME --category CATEGORY --domain none --reseller {reseller}", NULL},
    {"reseller list", pd_block_list_resellers, "", 0, run_message, NULL, NULL, NULL},

    {"plan put", pd_block_put_plan, "plan [name]", 0, run_message, NULL,
     "pedido plan period {plan} 1m --currency EUR --setup-fee 0 --recurring-fee 9.90", NULL},
    {"plan period", pd_block_put_period, "plan period", 0, run_message, NULL,
     "pedido order add CUSTOMER --plan {plan} --period {period}", NULL},
    {"plan import", NULL, "file", 0, run_plan_import,
     "Put the plans of a catalogue file, with their periods. What the engine has already is left as it is.", NULL, NULL},
    {"plan list", pd_block_list_plans, "[text]", 0, run_message, NULL, NULL, NULL},
    {"plan show", pd_block_get_plan, "plan", 0, run_message, NULL, NULL, NULL},
    {"plan periods", pd_block_list_periods, "plan", 0, run_message, NULL, NULL, NULL},

    {"customer put", pd_block_put_customer, "customer [name]", 0, run_message, NULL, ADD_HINT, NULL},
    {"customer list", pd_block_list_customers, "[text]", 0, run_message, NULL, NULL, NULL},
    {"customer show", pd_block_get_customer, "customer", 0, run_message, NULL, NULL, NULL},
    {"customer hold", pd_block_hold_customer, "customer [reason]", 0, run_message, NULL,
     "pedido customer release {customer} REASON", NULL},
    {"customer release", pd_block_release_customer, "customer [reason]", 0, run_message, NULL,
     "pedido order list --customer {customer} --state held", NULL},

    {"order add", pd_block_add_order, "customer", 0, run_message, NULL, NULL, NULL},
    {"order update", pd_block_update_order, "order", 0, run_message, NULL, NULL, NULL},
    {"order confirm", pd_block_confirm_order, "order", VERB_MAIN, run_order_confirm, NULL, NULL, NULL},
    {"order open", pd_block_open_order, "order", VERB_MAIN, run_message, NULL, NULL, NULL},
    {"order status", pd_block_check_status, "order", 0, run_order_status, NULL, NULL, wait_options},
    {"order cancel", pd_block_cancel_order, "order [reason]", 0, run_message, NULL, NULL, NULL},
    {"order retry", pd_block_retry_provisioning, "order", VERB_MAIN, run_message, NULL, NULL, NULL},
    {"order list", pd_block_list_orders, "", 0, run_message, NULL, NULL, NULL},
    {"order show", pd_block_get_order, "order", 0, run_message, NULL, NULL, NULL},
    {"order history", pd_block_get_order_history, "order", 0, run_message, NULL, NULL, NULL},

    {"subscription list", pd_block_list_subscriptions, "", 0, run_message, NULL, NULL, NULL},
    {"subscription show", pd_block_get_subscription, "subscription", 0, run_message, NULL, NULL, NULL},
    {"panel", pd_block_get_panel, "customer", 0, run_message, NULL, NULL, NULL},

    {"events tail", NULL, "", 0, run_events_tail, "Print the reseller's events as they happen, until Ctrl-C.", NULL, tail_options},
    {"send", NULL, "type", VERB_FREE, run_send,
     "Send any message: pedido send TYPE FIELD=VALUE... Lists, maps and what stands behind := is JSON.", NULL, send_options},
    {"ping", NULL, "", 0, run_ping, "Ask the engine who it is, and say how long the answer took.", NULL, NULL},
    {"schema", NULL, "[type]", 0, run_schema, "Every message, or one, with its fields.", NULL, schema_options},
};

const struct verb *
verb_at(size_t i)
{
    return i < sizeof verbs / sizeof verbs[0] ? &verbs[i] : NULL;
}

const struct verb *
verb_find(const char *words)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].words, words) == 0) return &verbs[i];
    return NULL;
}

const struct verb *
verb_of_block(const struct pd_block *block)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (verbs[i].block != NULL && verbs[i].block() == block) return &verbs[i];
    return NULL;
}

bool
verb_in_group(const struct verb *verb, const char *group)
{
    size_t size = strlen(group);
    return strncmp(verb->words, group, size) == 0 && verb->words[size] == ' ';
}
