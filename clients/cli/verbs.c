/* verbs.c - the verbs: one row each. */
#include "clients/cli/cli.h"

static const struct option add_options[] = {
    {.name = "like", .kind = OPTION_VALUE, .value = "ORDER",
     .about = N_("The plans and periods of another order; --domain then gives the new names, in its order.")},
    {.name = ""},
};
static const struct option wait_options[] = {
    {.name = "wait", .kind = OPTION_EITHER, .value = "SECONDS",
     .about = N_("Wait until the order has ended or can go no further; at most so many seconds.")},
    {.name = ""},
};
static const struct option send_options[] = {
    {.name = "data", .kind = OPTION_VALUE, .value = "JSON",
     .about = N_("The fields as one JSON object; those given one by one are set in it.")},
    {.name = ""},
};
/* Which events, from where on, and how they are printed. */
#define WATCH_OPTIONS \
    {.name = "type", .kind = OPTION_VALUE, .value = "TYPE", \
     .about = N_("Only events of this type, such as OrderCompleted; may be given several times.")}, \
    {.name = "order", .kind = OPTION_VALUE, .value = "ORDER", \
     .about = N_("Only what happens to this order, its tasks and subscriptions.")}, \
    {.name = "customer", .kind = OPTION_VALUE, .value = "ID", \
     .about = N_("Only what happens to this customer, its orders and subscriptions.")}, \
    {.name = "count", .kind = OPTION_VALUE, .value = "N", .about = N_("End after so many events.")}, \
    {.name = "from", .kind = OPTION_VALUE, .value = "WHERE", \
     .about = N_("Begin at a position, `beginning`, `now`, so many back (-20), or a time (2026-01-31, 12h).")}, \
    {.name = "all", .kind = OPTION_FLAG, .about = N_("Those of all resellers, with the log's positions.")}, \
    {.name = "format", .kind = OPTION_VALUE, .value = "TEXT", \
     .about = N_("Print this for each: {position}, {type} and {data.order} stand for values, \\n ends a line.")}, \
    {.name = "exit-at-end", .kind = OPTION_FLAG, .about = N_("End when there are no more, instead of waiting for some.")},

static const struct option key_options[] = {
    {.name = "name", .kind = OPTION_VALUE, .value = "NAME",
     .about = N_("Whose it is; kept in the file, and taken from there by `key grant`.")},
    {.name = "server", .kind = OPTION_FLAG, .about = N_("The engine's own pair: say how it is used.")},
    {.name = ""},
};
static const struct option tail_options[] = {
    WATCH_OPTIONS
    {.name = ""},
};
static const struct option follow_options[] = {
    WATCH_OPTIONS
    {.name = "checkpoint", .kind = OPTION_VALUE, .value = "FILE",
     .about = N_("Keep in this file how far it has come, and go on from there the next time.")},
    {.name = "name", .kind = OPTION_VALUE, .value = "NAME",
     .about = N_("Have the engine keep under this name how far it has come; nobody else may follow under it meanwhile.")},
    {.name = "exec", .kind = OPTION_VALUE, .value = "COMMAND",
     .about = N_("Run this for each event, with the event as JSON on its standard input, before it counts as done.")},
    {.name = "tries", .kind = OPTION_VALUE, .value = "N",
     .about = N_("--exec: stop after it has failed so often for one event; 8.")},
    {.name = "skip", .kind = OPTION_VALUE, .value = "POSITION",
     .about = N_("--exec: pass over this event; with --name the log says so.")},
    {.name = ""},
};
static const struct option export_options[] = {
    {.name = "as", .kind = OPTION_VALUE, .value = "FORM",
     .about = N_("jsonl: events as they are. cloudevents: in the envelope of CloudEvents 1.0. csv: a row for each completed "
                 "item.")},
    {.name = "from", .kind = OPTION_VALUE, .value = "WHERE",
     .about = N_("Begin at a position, `beginning`, `now`, so many back (-20), or a time (2026-01-31, 12h).")},
    {.name = "until", .kind = OPTION_VALUE, .value = "TIME", .about = N_("Only what happened before then.")},
    {.name = ""},
};
static const struct option top_options[] = {
    {.name = "interval", .kind = OPTION_VALUE, .value = "SECONDS", .about = N_("Between two screens; 1.")},
    {.name = "count", .kind = OPTION_VALUE, .value = "N", .about = N_("End after so many screens.")},
    {.name = ""},
};
static const struct option check_options[] = {
    {.name = "warning", .kind = OPTION_VALUE, .value = "METRIC=N",
     .about = N_("Warn above so much; below, of writable and disk_free_bytes.")},
    {.name = "critical", .kind = OPTION_VALUE, .value = "METRIC=N", .about = N_("The same for what is critical.")},
    {.name = ""},
};
static const struct option schema_options[] = {
    {.name = "markdown", .kind = OPTION_FLAG, .about = N_("The documentation of every message, as Markdown.")},
    {.name = "texts", .kind = OPTION_FLAG, .about = N_("What is shown to people, as a template for translators (gettext).")},
    {.name = "roles", .kind = OPTION_FLAG, .about = N_("Who may send which message, and about whose things.")},
    {.name = "lock", .kind = OPTION_FLAG, .about = N_("One line for every number that may never change.")},
    {.name = ""},
};

#define ADD_HINT "pedido order add {customer} --plan PLAN --period PERIOD"

static const struct verb verbs[] = {
    {"reseller put", pd_block_put_reseller, "reseller [name]", 0, run_put,
     N_("Make a reseller, or change it; what is not said stays as it is."),
     "pedido plan put PLAN --name NAME --category CATEGORY --domain none --reseller {reseller}", NULL},
    {"reseller list", pd_block_list_resellers, "", 0, run_message, NULL, NULL, NULL},

    {"plan put", pd_block_put_plan, "plan [name]", 0, run_put,
     N_("Make a plan, or change it; what is not said stays as it is. Orders keep the version they were priced with."),
     "pedido plan period {plan} 1m --currency EUR --setup-fee 0 --recurring-fee 9.90", NULL},
    {"plan period", pd_block_put_period, "plan period", 0, run_put,
     N_("Make a period of a plan, or change it; what is not said stays as it is."),
     "pedido order add CUSTOMER --plan {plan} --period {period}", NULL},
    {"plan import", NULL, "file", VERB_SENDS, run_plan_import,
     N_("Put the plans of a catalogue file, with their periods. What the engine has already is left as it is."), NULL, NULL},
    {"plan list", pd_block_list_plans, "[text]", 0, run_message, NULL, NULL, NULL},
    {"plan show", pd_block_get_plan, "plan", 0, run_message, NULL, NULL, NULL},
    {"plan periods", pd_block_list_periods, "plan", 0, run_message, NULL, NULL, NULL},

    {"customer put", pd_block_put_customer, "customer [name]", 0, run_put,
     N_("Make a customer, or change it; what is not said stays as it is."), ADD_HINT, NULL},
    {"customer list", pd_block_list_customers, "[text]", 0, run_message, NULL, NULL, NULL},
    {"customer show", pd_block_get_customer, "customer", 0, run_message, NULL, NULL, NULL},
    {"customer history", pd_block_get_customer_history, "customer", 0, run_message, NULL, NULL, NULL},
    {"customer hold", pd_block_hold_customer, "customer [reason]", 0, run_message, NULL,
     "pedido customer release {customer} REASON", NULL},
    {"customer release", pd_block_release_customer, "customer [reason]", 0, run_message, NULL,
     "pedido order list --customer {customer} --state held", NULL},

    {"order add", pd_block_add_order, "[customer]", 0, run_order_add, NULL, NULL, add_options},
    {"order update", pd_block_update_order, "order", 0, run_message, NULL, NULL, NULL},
    {"order confirm", pd_block_confirm_order, "order", VERB_MAIN, run_order_confirm, NULL, NULL, NULL},
    {"order open", pd_block_open_order, "order", VERB_MAIN, run_message, NULL, NULL, NULL},
    {"order status", pd_block_check_status, "order", 0, run_order_status, NULL, NULL, wait_options},
    {"order cancel", pd_block_cancel_order, "order [reason]", 0, run_message, NULL, NULL, NULL},
    {"order retry", pd_block_retry_provisioning, "order", VERB_MAIN, run_message, NULL, NULL, NULL},
    {"order correct", pd_block_correct_item, "order item", 0, run_message, NULL, NULL, NULL},
    {"order accept-partial", pd_block_accept_partial, "order", 0, run_message, NULL, NULL, NULL},
    {"order give-up", pd_block_give_up, "order [reason]", 0, run_message, NULL, NULL, NULL},
    {"order list", pd_block_list_orders, "", 0, run_message, NULL, NULL, NULL},
    {"order show", pd_block_get_order, "order", 0, run_message, NULL, NULL, NULL},
    {"order history", pd_block_get_order_history, "order", 0, run_message, NULL, NULL, NULL},

    {"note add", pd_block_add_note, "[order] [text]", 0, run_note_add, NULL, "pedido order history {order}", NULL},

    {"subscription list", pd_block_list_subscriptions, "", 0, run_message, NULL, NULL, NULL},
    {"subscription show", pd_block_get_subscription, "subscription", 0, run_message, NULL, NULL, NULL},
    {"subscription history", pd_block_get_subscription_history, "subscription", 0, run_message, NULL, NULL, NULL},
    {"subscription end", pd_block_end_subscription, "subscription [reason]", 0, run_message, NULL,
     "pedido subscription show {subscription}", NULL},

    {"task list", pd_block_list_tasks, "", 0, run_message, NULL, NULL, NULL},
    {"task show", pd_block_get_task, "task", 0, run_task_show, NULL, NULL, NULL},
    {"task retry", pd_block_retry_task, "task [reason]", 0, run_message, NULL, "pedido task show {task}", NULL},
    {"task release", pd_block_release_task, "task [reason]", 0, run_message, NULL, "pedido task show {task}", NULL},
    {"task fail", pd_block_fail_task, "task [reason]", 0, run_message, NULL, "pedido task show {task}", NULL},
    {"task succeed", pd_block_succeed_task, "task [reason]", 0, run_message, NULL, "pedido task show {task}", NULL},
    {"worker list", pd_block_list_workers, "", 0, run_worker_list, NULL, NULL, NULL},
    {"worker drain", pd_block_drain_worker, "worker", 0, run_message, NULL, "pedido worker list", NULL},

    {"import", NULL, "file", VERB_SENDS | VERB_RECORDS, run_import,
     N_("Take over customers and live subscriptions from a file of JSON lines or CSV. Importing it again does nothing twice."),
     NULL, NULL},
    {"counters", pd_block_list_counters, "", 0, run_message, NULL, NULL, NULL},
    {"hours", pd_block_list_hours, "", 0, run_message, NULL, NULL, NULL},
    {"subscriber list", pd_block_list_subscribers, "", 0, run_message, NULL, NULL, NULL},
    {"subscriber show", pd_block_list_subscribers, "subscriber", 0, run_message,
     N_("One subscriber whose position the engine keeps: how far it is behind, and who follows under its name."), NULL, NULL},
    {"subscriber delete", pd_block_delete_subscriber, "subscriber", 0, run_message, NULL, NULL, NULL},

    {"key new", NULL, "file", VERB_ALONE, run_key_new,
     N_("Make a key pair, in a new file that nobody else may read; --server: for an engine."), NULL, key_options},
    {"key show", NULL, "file", VERB_ALONE, run_key_show, N_("The public key of a file: what others are told of it."), NULL, NULL},
    {"key list", pd_block_list_keys, "", 0, run_message, NULL, NULL, NULL},
    {"key grant", pd_block_grant_key, "key", 0, run_key_change,
     N_("Say what a key may do: the key itself, a file that has it, or uid/N for a user of the engine's machine."), NULL, NULL},
    {"key revoke", pd_block_revoke_key, "key [reason]", 0, run_key_change,
     N_("Let a key do nothing any more: the key itself, a file that has it, or uid/N."), NULL, NULL},

    {"views list", pd_block_list_views, "", 0, run_message, NULL, NULL, NULL},
    {"views rebuild", pd_block_rebuild_views, "", 0, run_views_rebuild, NULL, NULL, NULL},
    {"backup", NULL, "directory", VERB_SENDS, run_backup,
     N_("Copy the engine's log to a directory of its machine while it serves, and check the copy. `pedidod restore` takes it "
        "back."), NULL, NULL},
    {"panel", pd_block_get_panel, "customer", 0, run_message, NULL, NULL, NULL},
    {"find", pd_block_find, "text", 0, run_message, NULL, NULL, NULL},

    {"events tail", NULL, "", 0, run_events_tail, N_("Print the reseller's events as they happen, until Ctrl-C."), NULL,
     tail_options},
    {"events read", NULL, "", 0, run_events_read, N_("Print the reseller's events that there are, oldest first, and end."), NULL,
     tail_options},
    {"events follow", NULL, "", 0, run_events_follow,
     N_("Take every event once and in order, from the beginning or from where it was left, and go on with what happens."), NULL,
     follow_options},
    {"log stat", NULL, "", 0, run_log_stat, N_("What the reseller's log has: from when to when, how much of what."), NULL, NULL},
    {"log export", NULL, "", 0, run_log_export,
     N_("Print the events between two times for other programs, or the items that were completed, with their amounts."), NULL,
     export_options},
    {"send", NULL, "type", VERB_FREE | VERB_SENDS, run_send,
     N_("Send any message: pedido send TYPE FIELD=VALUE... Lists, maps and what stands behind := is JSON."), NULL,
     send_options},
    {"context add", NULL, "context", VERB_ALONE, run_context_add,
     N_("Keep an endpoint, a reseller or both under a name. The first one is in use at once."), NULL, NULL},
    {"context use", NULL, "context", VERB_ALONE, run_context_use, N_("From now on mean this context, or none."), NULL, NULL},
    {"context list", NULL, "", VERB_ALONE, run_context_list, N_("The contexts; the one in use is marked."), NULL, NULL},
    {"context remove", NULL, "context", VERB_ALONE, run_context_remove, N_("Forget a context."), NULL, NULL},
    {"doctor", NULL, "", VERB_ALONE, run_doctor,
     N_("Look at the way to the engine: can it be reached, do versions and clocks agree?"), NULL, NULL},
    {"status", NULL, "", 0, run_status, N_("How the engine does, on a page."), NULL, NULL},
    {"top", NULL, "", 0, run_top,
     N_("How the engine does, on a screen that is drawn anew each second; q ends it, the space bar holds it."), NULL, top_options},
    {"metrics", NULL, "", 0, run_metrics, N_("What the engine measures of itself, as Prometheus reads it."), NULL, NULL},
    {"check", NULL, "", 0, run_check,
     N_("Whether all is well, as a plug-in of Nagios and its like says it: a line, figures, and exit status 0, 1, 2 or 3."), NULL,
     check_options},
    {"ping", NULL, "", 0, run_ping, N_("Ask the engine who it is, and say how long the answer took."), NULL, NULL},
    {"completion", NULL, "shell", VERB_ALONE, run_completion,
     N_("Print what makes bash, zsh or fish complete verbs, options and ids."), NULL, NULL},
    {"complete", NULL, "", VERB_FREE | VERB_HIDDEN | VERB_ALONE, run_complete, "", NULL, NULL},
    {"manual", NULL, "", VERB_ALONE, run_manual, N_("Print the manual page's source (scdoc)."), NULL, NULL},
    {"schema", NULL, "[type]", VERB_ALONE, run_schema, N_("Every message, or one, with its fields."), NULL, schema_options},
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
