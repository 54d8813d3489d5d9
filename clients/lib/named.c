#include "clients/lib/named.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clients/lib/state.h"
#include "proto/check.h"

enum { SAVE_MS = 1000, RENEW_MS = 5000 };

struct pd_named {
    struct pd_client *client;
    char              name[72], holder[65], reseller[72], log[41], why[256];
    bool              all, moving, closed;
    enum pd_error_code lost; /* why the name is not ours any more */
    uint64_t          under_way, kept; /* positions: of the call that is outstanding, and the last that the engine has */
    uint64_t          moved_ms;
};

/* People see it in ListSubscribers. The id's end is random; its front is the time, which those that begin together share. */
static void
name_holder(struct pd_named *n)
{
    char host[33] = "", id[PD_ID_SIZE];

    (void)gethostname(host, sizeof host - 1);
    pd_client_new_id(id);
    snprintf(n->holder, sizeof n->holder, "%s/%ld/%s", host, (long)getpid(), id + PD_ID_SIZE - 1 - 12);
}

/* Takes the name, made where there is none. */
static enum pd_client_status
take_name(struct pd_named *n, uint64_t from, uint64_t *ret_position, uint64_t *ret_head)
{
    struct pd_attach_subscriber attach = {.subscriber = pd_text(n->name), .holder = pd_text(n->holder), .all = n->all, .from = from,
                                          .has_from = from > 0};
    struct pd_call_message      message = pd_attach_subscriber_message(&attach);
    struct pd_reply             reply = {0};

    message.reseller = n->all ? (struct pd_text){NULL, 0} : pd_text(n->reseller);
    enum pd_client_status status = pd_call(n->client, &message, &reply);
    const struct pd_subscriber_reply *answer = status == PD_CLIENT_OK ? pd_attach_subscriber_reply(&reply) : NULL;
    if (answer == NULL) {
        status = status == PD_CLIENT_OK ? PD_CLIENT_BAD_ANSWER : status;
        pd_client_fail(n->client, status, "the subscriber %s: %s", n->name, reply.problem);
        n->client->refusal = reply.refused.code;
    } else {
        snprintf(n->log, sizeof n->log, "%.*s", (int)answer->log.size, answer->log.data);
        *ret_position = n->kept = answer->position;
        *ret_head = answer->head;
        n->moved_ms = pd_now_ms();
    }
    pd_reply_fini(&reply);
    return status;
}

enum pd_client_status
pd_named_attach(struct pd_client *client, struct pd_text name, const char *reseller, bool all, uint64_t from,
                struct pd_named **ret_named, struct pd_text *ret_log, uint64_t *ret_position)
{
    struct pd_named *n = calloc(1, sizeof *n);

    PD_CHECK(n != NULL);
    *n = (struct pd_named){.client = client, .all = all};
    snprintf(n->name, sizeof n->name, "%.*s", (int)name.size, name.data);
    snprintf(n->reseller, sizeof n->reseller, "%s", reseller);
    name_holder(n);
    uint64_t              head;
    enum pd_client_status status = take_name(n, from, ret_position, &head);
    if (status != PD_CLIENT_OK) {
        free(n);
        return status;
    }
    *ret_log = pd_text(n->log);
    *ret_named = n;
    return status;
}

/* ---- moving -------------------------------------------------------------------------------------------------------- */

/* What is refused for a while is said again. */
static void
see_refusal(struct pd_named *n, const struct pd_reply *reply)
{
    if (reply->status != PD_CLIENT_REFUSED) return;
    if (reply->refused.code != PD_E_subscriber_in_use && reply->refused.code != PD_E_subscriber_not_found) return;
    n->lost = reply->refused.code;
    snprintf(n->why, sizeof n->why, "%s", reply->problem);
}

static void
take_moved(void *context, struct pd_reply *reply)
{
    struct pd_named *n = context;

    if (n->closed) {
        free(n);
        return;
    }
    n->moving = false;
    if (reply->status == PD_CLIENT_OK) n->kept = n->under_way;
    else see_refusal(n, reply);
}

static struct pd_move_subscriber
move_to(struct pd_named *n, struct pd_text log, uint64_t position)
{
    n->under_way = position;
    n->moved_ms = pd_now_ms();
    return (struct pd_move_subscriber){.subscriber = pd_text(n->name), .holder = pd_text(n->holder), .all = n->all, .log = log,
                                       .position = position};
}

static enum pd_client_status
fail_lost(struct pd_named *n)
{
    pd_client_fail(n->client, PD_CLIENT_REFUSED, "the subscriber %s: %s", n->name, n->why);
    n->client->refusal = n->lost;
    return PD_CLIENT_REFUSED;
}

enum pd_client_status
pd_named_keep(struct pd_named *n, struct pd_text log, uint64_t position, bool idle)
{
    if (n->moving) pd_client_poll(n->client, 0);
    if (n->lost != PD_OK) return fail_lost(n);
    uint64_t waited_ms = pd_now_ms() - n->moved_ms;
    bool     due = position != n->kept ? idle || waited_ms >= SAVE_MS : waited_ms >= RENEW_MS;

    if (n->moving || !due || log.size == 0) return PD_CLIENT_OK;
    struct pd_move_subscriber move = move_to(n, log, position);
    struct pd_call_message    message = pd_move_subscriber_message(&move);
    message.reseller = n->all ? (struct pd_text){NULL, 0} : pd_text(n->reseller);
    n->moving = pd_call_start(n->client, &message, take_moved, n) == PD_CLIENT_OK;
    return PD_CLIENT_OK;
}

/* Who has lost the name says nothing more about it: free again, it would be taken for a program that ends, and a position kept that
 * whoever made it anew has not come to. */
enum pd_client_status
pd_named_save(struct pd_named *n, struct pd_text log, uint64_t position)
{
    while (n->moving) pd_client_poll(n->client, 1000); /* every call ends; what it says is of another position */
    if (n->lost != PD_OK) return fail_lost(n);
    struct pd_move_subscriber move = move_to(n, log, position);
    struct pd_call_message    message = pd_move_subscriber_message(&move);
    struct pd_reply           reply = {0};

    message.reseller = n->all ? (struct pd_text){NULL, 0} : pd_text(n->reseller);
    enum pd_client_status status = pd_call(n->client, &message, &reply);
    if (status == PD_CLIENT_OK) n->kept = position;
    see_refusal(n, &reply);
    if (status != PD_CLIENT_OK) {
        pd_client_fail(n->client, status, "the subscriber %s: %s", n->name, reply.problem);
        n->client->refusal = reply.refused.code;
    }
    pd_reply_fini(&reply);
    return status;
}

enum pd_client_status
pd_named_restart(struct pd_named *n, struct pd_text old_log, uint64_t from, uint64_t *ret_position)
{
    uint64_t head;

    while (n->moving) pd_client_poll(n->client, 1000); /* every call ends */
    enum pd_client_status status = take_name(n, from, ret_position, &head);
    if (status != PD_CLIENT_OK) return status;
    if (from > 0) *ret_position = from - 1;
    else if (pd_text_equal(pd_text(n->log), old_log)) *ret_position = head; /* it came with the backup: that is the old log's */
    n->lost = PD_OK;
    n->kept = UINT64_MAX; /* what is done is to be said anew, in the new log */
    return status;
}

void
pd_named_end(struct pd_named **named)
{
    struct pd_named *n = *named;
    struct pd_reply  reply = {0};

    if (n == NULL) return;
    *named = NULL;
    if (n->lost == PD_OK) {
        struct pd_detach_subscriber detach = {.subscriber = pd_text(n->name), .holder = pd_text(n->holder), .all = n->all};
        struct pd_call_message      message = pd_detach_subscriber_message(&detach);
        message.reseller = n->all ? (struct pd_text){NULL, 0} : pd_text(n->reseller);
        (void)pd_call(n->client, &message, &reply); /* else its time runs out */
        pd_reply_fini(&reply);
    }
    n->closed = true;
    if (!n->moving) free(n);
}
