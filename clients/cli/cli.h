/* cli.h - what every part of the command line shares.
 *
 * One table of verbs (verbs.c) says which message a verb sends and which of its fields are arguments; options, help, the
 * request and what is shown follow from the message's descriptor. stdout is data, stderr is talk. */
#ifndef CLIENTS_CLI_CLI_H
#define CLIENTS_CLI_CLI_H

#include <jansson.h>
#include <pedido/client.h>

#include "clients/cli/lang.h"
#include "proto/key_file.h"
#include "proto/schema.h"

/* Exit statuses beside those of the refusal classes (proto/errors.def, 3-9). */
enum {
    STATUS_OK            = 0,
    STATUS_TROUBLE       = 1,  /* a file, or the output */
    STATUS_USAGE         = 2,
    STATUS_NO_ANSWER     = 10,
    STATUS_NOT_COMPLETED = 11, /* order status --wait: it ended or stands otherwise, or the time is over */
    STATUS_ABANDONED     = 12, /* the person who was asked did not go on; nothing was changed */
};

enum option_kind { OPTION_FLAG, OPTION_VALUE, OPTION_EITHER /* --wait or --wait=SECONDS */ };

struct option {
    char                   name[40];
    enum option_kind       kind;
    char                   value[40]; /* what help calls it */
    const char            *about;
    const struct pd_field *field;   /* of the message; NULL for the others */
    bool                   element; /* the field is one of the list's elements */
    bool                   minor;   /* an amount in the minor unit */
    bool                   negated; /* --no-<flag> */
    bool                   common;  /* of every verb */
};

struct option_list {
    struct option options[64];
    size_t        count;
};

struct given {
    const struct option *option;
    const char          *value; /* NULL: none */
};

struct cli;

enum {
    VERB_MAIN   = 1, /* brings an order forward */
    VERB_FREE   = 2, /* takes fields or words, as many as there are */
    VERB_HIDDEN = 4, /* not for people */
    VERB_SENDS  = 8, /* has no message of its own, and sends some */
    VERB_ALONE  = 16, /* needs no engine, or looks for it by itself */
    VERB_RECORDS = 32, /* reads customers and subscriptions from a file */
};

struct verb {
    const char *words;                     /* "order add" */
    const struct pd_block *(*block)(void); /* the message it sends; NULL: see run */
    const char *arguments;                 /* "customer [name]": fields of the message, in order */
    int         flags;
    int (*run)(struct cli *cli);
    const char          *about;   /* NULL: the message's description */
    const char          *hint;    /* what comes next, with {fields} of the answer */
    const struct option *options; /* beyond those of the message; ends with an empty name */
};

struct cli {
    const struct verb *verb; /* NULL until it is known */
    struct option_list options;
    struct given      *given; /* the options, in their order */
    size_t             given_count;
    const char       **words; /* what is left, without the verb's */
    size_t             word_count;
    struct pd_client  *client; /* opened when first needed */
    char               currency[4]; /* of amounts, when the message does not say it */
    struct pd_key_pair own, server; /* with which the client is opened; empty: without */
    const struct pd_block *only; /* --id and --expect are for this command of several; NULL: for each */
};

/* A text of an object, "" when it has none. */
static inline const char *
cli_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* ---- say.c: talk, on stderr; formats are translated */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for a line that is made already. */
void cli_say_line(const char *line);
void cli_quiet(void); /* from now on nothing is said at all */
/* Says what is wrong and where to look; STATUS_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One compact line of JSON on stdout. */
void cli_print_json(const json_t *value);
/* Microseconds of a clock that only goes forwards; only differences mean anything. */
uint64_t cli_now_us(void);

/* ---- args.c */
int  args_parse(struct cli *cli, int argc, char **argv);
bool args_has(const struct cli *cli, const char *option);
const char *args_value(const struct cli *cli, const char *option); /* the last one's; NULL when not given */
bool args_seconds(const char *text, double *ret_seconds);
bool args_number(const char *text, uint64_t *ret_number);
bool args_is_id(const char *text); /* 1-64 of A-Z a-z 0-9 . _ - */

/* Whether what was said of a list is said of one, and can be. STATUS_OK, or it was explained. */
int args_check_list(const struct cli *cli, const struct pd_block *block);
/* Of candidates given one by one the nearest, when it is near at all. */
struct nearest {
    const char *wanted;
    char        best[64];
    size_t      distance;
};
void        nearest_offer(struct nearest *n, const char *candidate, size_t size); /* of which `size` bytes at most */
const char *nearest_best(const struct nearest *n); /* or NULL */

/* ---- verbs.c, options.c */
const struct verb *verb_at(size_t i); /* NULL beyond the last */
const struct verb *verb_find(const char *words);
const struct verb *verb_of_block(const struct pd_block *block);
bool               verb_in_group(const struct verb *verb, const char *group);
void               options_collect(const struct verb *verb, struct option_list *ret_list); /* verb may be NULL */
const struct option *options_find(const struct option_list *list, const char *name, size_t size);
bool               options_argument(const char *arguments, size_t i, char *ret_name, size_t size, bool *ret_optional);
bool               options_has_argument(const struct verb *verb, const char *field); /* a required one */

/* ---- fields.c: arguments to the message's fields */
int fields_given(struct cli *cli, const struct pd_block *block, json_t **ret_data);
/* What a person would have to type each time alike; what is still missing is said. */
int fields_complete(struct cli *cli, const struct pd_block *block, json_t *data);
int fields_collect(struct cli *cli, const struct pd_block *block, json_t **ret_data); /* both */
int fields_send(struct cli *cli, const struct pd_block *block, json_t **ret_data); /* pedido send TYPE field=value ... */
/* An option that is one of the message's fields, into `data`. */
int fields_option(struct cli *cli, const struct pd_block *block, const struct given *given, json_t *data);
/* ORDER as people write it, 17 or ref:ABC, into `data`. */
int fields_order(const struct cli *cli, const char *text, json_t *data);
/* A time, a date, which is its midnight in UTC, or so long ago: 30m, 12h, 7d; with a plus, so long from now. `name` is what it is
 * the value of. */
int fields_time(const struct cli *cli, const char *name, const char *text, pd_time_us *ret_time);

/* ---- exchange.c: what is sent and what comes; of a refusal nothing is said */
struct pd_client *exchange_client(struct cli *cli);
/* Reads the keys that --identity and --server-key name, if they do. False: it was said why not. */
bool exchange_keys(struct cli *cli);
/* Opens the client with endpoint and keys, and what else the options say. */
void exchange_connect(struct cli *cli, struct pd_client_options *options);
/* The client, where the standard's patience is not the right one; before anything was sent. */
void exchange_open(struct cli *cli, uint32_t timeout_ms, uint32_t retries);
const char *exchange_reseller(const struct cli *cli);
/* The id that was given, or a new one in `id`. */
const char *exchange_id(const struct cli *cli, const struct pd_block *block, char id[PD_ID_SIZE]);
/* Says why there is no answer to a message (NULL: to none of ours); the exit status. */
int exchange_no_answer(struct cli *cli, const struct pd_block *block, enum pd_client_status status);
/* A message with what the options say of it; takes `data`. NULL: an option's value is not UTF-8. */
json_t *exchange_envelope(struct cli *cli, const struct pd_block *block, const char *id, json_t *data);
/* Sends it; takes it. The answer, accepted or refused. */
int exchange_send(struct cli *cli, const struct pd_block *block, json_t *envelope, json_t **ret_answer);
/* Sends a message; takes `data`. The answer's data; or *ret_refusal, to be given to request_refused or dropped. */
int exchange_try(struct cli *cli, const struct pd_block *block, json_t *data, json_t **ret_data, json_t **ret_refusal);
/* The same as a dry run, whatever the options say. */
int exchange_trial(struct cli *cli, const struct pd_block *block, json_t *data, json_t **ret_data, json_t **ret_refusal);
/* Envelopes as one array; the answers. */
int exchange_array(struct cli *cli, json_t *requests, json_t **ret_answers);

/* ---- request.c: the same with a report of a refusal */
/* Sends a message; takes `data`. The answer has been accepted when STATUS_OK is returned, else it has been reported. */
int request_data(struct cli *cli, const struct pd_block *block, json_t *data, json_t **ret_data);
/* Sends a message, shows the answer and what may be done next. */
int request_show(struct cli *cli, const struct pd_block *block, json_t *data);
/* What each row of a list is given to; at most `limit` of them, page by page. Takes `data`. */
typedef void request_take(void *context, json_t *row);
int request_each(struct cli *cli, const struct pd_block *block, json_t *data, uint64_t limit, request_take *take, void *context);
/* All rows of a list; takes `data`. */
int request_rows(struct cli *cli, const struct pd_block *block, json_t *data, json_t **ret_rows);

/* ---- show/refusal.c: `data` is what was refused, or NULL */
int request_refused(struct cli *cli, const json_t *error, const json_t *data);
int request_exit(const json_t *error);
/* The engine's own sentence in English; in another language ours, from the refusal's row and details. */
void refusal_sentence(const json_t *error, char *ret_sentence, size_t size);

/* ---- show/show.c, show/next.c */
const struct pd_field *show_list_field(const struct pd_block *reply); /* of answers that are a list, else NULL */
void review_head(const json_t *order); /* "Order 17   New" */
void review_show(const json_t *order); /* show/review.c: an order, or what AddOrder answers */
void show_answer(const struct pd_block *reply, const json_t *data);
void show_choices(const struct pd_block *row, const json_t *rows); /* with a number before each */
void show_rows(const struct pd_block *row, const json_t *rows);
void next_say(const struct cli *cli, const struct pd_block *block, const json_t *data, const char *order);
/* A text with its {fields} filled in from texts and numbers of `from`, quoted for a shell or not. False: it has not all. */
bool next_fill(const char *hint, const json_t *from, bool quoted, char *ret_line, size_t size);
/* A word as a shell takes it, cut where it is far too long. */
void next_quote(const char *text, char *ret_quoted, size_t size);
/* Says such a command as what is next, when it can be filled. */
bool next_hint(const struct cli *cli, const char *hint, const json_t *from);

/* ---- verbs/ */
int run_message(struct cli *cli);
int run_key_new(struct cli *cli);
int run_key_show(struct cli *cli);
int run_key_change(struct cli *cli); /* grant and revoke */
int run_send(struct cli *cli);
int run_ping(struct cli *cli);
int run_status(struct cli *cli);
int run_metrics(struct cli *cli);
int run_check(struct cli *cli);
int run_top(struct cli *cli);
int run_schema(struct cli *cli);
int run_plan_import(struct cli *cli);
int run_put(struct cli *cli);
int run_order_add(struct cli *cli);
int run_order_confirm(struct cli *cli);
int run_order_status(struct cli *cli);
int run_note_add(struct cli *cli);
int run_task_show(struct cli *cli);
int run_worker_list(struct cli *cli);
int run_import(struct cli *cli);
int run_events_tail(struct cli *cli);
int run_doctor(struct cli *cli);
int run_completion(struct cli *cli);
int run_complete(struct cli *cli);
int run_manual(struct cli *cli);

/* ---- context.c */
int run_context_add(struct cli *cli);
int run_context_use(struct cli *cli);
int run_context_remove(struct cli *cli);
int run_context_list(struct cli *cli);
int run_views_rebuild(struct cli *cli);
int run_backup(struct cli *cli);
int run_log_stat(struct cli *cli);
int run_log_export(struct cli *cli);
int run_events_read(struct cli *cli);
int run_events_follow(struct cli *cli);

#endif
