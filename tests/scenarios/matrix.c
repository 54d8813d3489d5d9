#include "tests/scenarios/matrix.h"

#include <stdlib.h>

#include "clients/lib/json.h"
#include "engine/domain/transitions.h"
#include "tests/scenarios/runner.h"

enum { STATES = 11 };

static const int columns[] = {
    PD_COMMAND_update_order, PD_COMMAND_confirm_order, PD_COMMAND_open_order, PD_COMMAND_check_status, PD_COMMAND_cancel_order,
    PD_COMMAND_retry_provisioning, PD_COMMAND_correct_item, PD_COMMAND_accept_partial, PD_COMMAND_give_up, PD_COMMAND_add_note,
    PD_COMMAND_report_progress, PD_COMMAND_report_success, PD_COMMAND_report_failure, PD_COMMAND_report_release,
};
enum { COLUMNS = sizeof columns / sizeof columns[0], FIRST_REPORT = 10 };

/* What all files together tell of. */
static struct {
    char  cells[STATES][COLUMNS][80];
    FILE *coverage;
} seen;

void
cover_open(const char *path)
{
    if (path != NULL) seen.coverage = fopen(path, "w");
}

void
cover_close(void)
{
    if (seen.coverage != NULL) fclose(seen.coverage);
}

void
cover_refusal(const char *code, const char *file)
{
    const char *slash = strrchr(file, '/'), *story = slash == NULL ? file : slash + 1;

    if (seen.coverage != NULL) fprintf(seen.coverage, "%s scenarios/%.*s\n", code, (int)strcspn(story, "."), story);
}

static const struct pd_order *
find_order(struct runner *r, struct pd_text reseller, json_t *data, struct pd_arena *arena)
{
    /* As a client sees it: by a query before the command. */
    json_t *number = json_object_get(data, "order"), *reference = json_object_get(data, "reference");
    struct pd_get_order    get = {0};
    struct request         request = {.port = PD_port_queries};
    struct pd_order_view_reply *reply = PD_ARENA_NEW(arena, struct pd_order_view_reply);
    struct pd_refusal      refusal;

    if (json_is_integer(number)) get.order = (uint64_t)json_integer_value(number), get.has_order = true;
    else if (json_is_string(reference)) get.reference = pd_text(json_string_value(reference));
    else return NULL;
    request.message = (struct pd_message){
        .envelope = {.id = PD_TEXT("q"), .reseller = reseller}, .block = pd_block_get_order(), .body = &get};
    struct pd_text bytes = pd_arena_text(arena, ask(r, &request));
    const struct pd_order *order = NULL;
    struct pd_text         shown = mp_find_packed(bytes, "data");
    if (shown.data != NULL && pd_decode_map(arena, pd_block_order_view_reply(), PD_LENIENT, shown, reply, &refusal))
        order = reply->order;
    return order;
}

/* The state of the order that a report's task belongs to. */
static enum pd_order_state
state_of_task(struct runner *r, struct pd_text reseller, uint64_t task)
{
    struct pd_get_task get = {.task = task, .has_task = true};
    struct request     request = {.port = PD_port_queries};

    request.message = (struct pd_message){
        .envelope = {.id = PD_TEXT("q"), .reseller = reseller}, .block = pd_block_get_task(), .body = &get};
    json_t *answer = pd_json_from_bytes(ask(r, &request), NULL);
    json_t *order = json_object_get(json_object_get(json_object_get(answer, "data"), "task"), "order");
    json_t *data = json_pack("{sO?}", "order", order);
    const struct pd_order *o = find_order(r, reseller, data, &r->arena);
    json_decref(data);
    json_decref(answer);
    return o == NULL ? PD_order_state_absent : o->state;
}

enum pd_order_state
state_addressed(struct runner *r, enum pd_port port, struct pd_text reseller, json_t *data)
{
    const struct pd_order *order = find_order(r, reseller, data, &r->arena);

    if (port == PD_port_workers && json_is_integer(json_object_get(data, "task")))
        return state_of_task(r, reseller, (uint64_t)json_integer_value(json_object_get(data, "task")));
    return order != NULL ? order->state : PD_order_state_absent;
}

void
check_move(struct runner *r, enum pd_order_state from, const struct pd_block *command, enum pd_order_state to)
{
    if (from == to || to == PD_order_state_absent || may_move(from, (enum pd_command_code)command->code, to)) return;
    fail(r, "%s moves the order from %s to %s, and the table has no such row", command->Name,
         from == PD_order_state_absent ? "absent" : pd_enum_order_state()->values[from - 1].name,
         pd_enum_order_state()->values[to - 1].name);
}

void
cover(enum pd_order_state state, int command, const char *outcome)
{
    for (int c = 0; c < COLUMNS; c++)
        if (columns[c] == command && state > 0) {
            char *cell = seen.cells[state][c];
            if (strstr(cell, outcome) == NULL && strlen(cell) + strlen(outcome) + 2 < sizeof seen.cells[0][0]) {
                if (cell[0] != '\0') strcat(cell, " ");
                strcat(cell, outcome);
            }
        }
}

/* What a cell must tell of, whatever else it does: that the table takes the command there, or how it is refused. */
static const char *
owed(enum pd_order_state state, int c)
{
    bool always = columns[c] == PD_COMMAND_check_status || columns[c] == PD_COMMAND_add_note;
    if (state == PD_order_state_cleanup_failed && c >= FIRST_REPORT) return "stale_lease"; /* though it moves the order: row 12c */
    if (always || takes_command(state, (enum pd_command_code)columns[c])) return "yes";
    return c >= FIRST_REPORT ? "stale_lease" : "illegal_transition";
}

bool
show_matrix(void)
{
    bool full = true;

    for (int c = 0; c < COLUMNS; c++) {
        printf("\n%s\n", pd_schema_command(columns[c])->Name);
        for (int state = 1; state < STATES; state++) {
            /* Reports are about tasks: there is none before an order is opened. */
            bool without = c >= FIRST_REPORT && (state == PD_order_state_draft || state == PD_order_state_new ||
                                                 state == PD_order_state_held);
            const char *cell = without ? "(no task)" : seen.cells[state][c];
            bool        told = without || strstr(cell, owed((enum pd_order_state)state, c)) != NULL;
            printf("  %-20s %s%s\n", PD_NAME(order_state, state).data, cell[0] == '\0' ? "EMPTY" : cell,
                   told ? "" : "  (incomplete)");
            full = full && told;
        }
    }
    if (!full) puts("FAILED: a pair of state and command that no scenario tells of");
    return full;
}
