/* follow.c - every event once and in order: splice.c decides, here are its socket, its pages, and where its position is kept: in a
 * file or, under a name, by the engine. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/lib/checkpoint.h"
#include "clients/lib/named.h"
#include "clients/lib/splice.h"
#include "clients/lib/state.h"
#include "clients/lib/subscriber.h"
#include "proto/check.h"

enum { PAGE = 1000, SILENCE_MS = 5000, SAVE_MS = 1000 };

struct pd_follow {
    struct pd_splice  splice;
    char              reseller[72], prefix[76];
    bool              all;
    struct pd_reply   page; /* whose events are given, or what became of asking for it */
    size_t            at;   /* the next of the page's */
    bool              asking, answered, closed;
    uint64_t          heard_ms; /* when the stream was last heard */
    char             *checkpoint; /* NULL: none */
    struct pd_named  *named;      /* NULL: it has no name */
    uint64_t          given, done, saved, saved_ms;
};

/* ---- opening ------------------------------------------------------------------------------------------------------- */

/* A page that is still under way finds nobody when it comes. */
static void
close_follow(struct pd_follow **follow)
{
    struct pd_follow *f = *follow;

    if (f == NULL) return;
    *follow = NULL;
    pd_named_end(&f->named);
    pd_reply_fini(&f->page);
    free(f->checkpoint);
    f->checkpoint = NULL;
    f->closed = true;
    if (!f->asking) free(f);
}

/* Where the file says that the program has come to. */
static enum pd_client_status
read_checkpoint(struct pd_client *c, struct pd_follow *f)
{
    struct pd_checkpoint checkpoint;
    int                  failed = pd_checkpoint_read(f->checkpoint, &checkpoint);

    if (failed == ENOENT) return PD_CLIENT_OK;
    if (failed == EBADMSG) return pd_client_fail(c, PD_CLIENT_BAD_OPTION, "%s is no checkpoint", f->checkpoint);
    if (failed != 0) return pd_client_fail(c, PD_CLIENT_BAD_OPTION, "the checkpoint %s: %s", f->checkpoint, strerror(failed));
    if (strcmp(checkpoint.reseller, f->reseller) != 0)
        return pd_client_fail(c, PD_CLIENT_BAD_OPTION, "the checkpoint %s is of %s, not of %s", f->checkpoint, checkpoint.reseller,
                              f->reseller);
    pd_splice_begin(&f->splice, pd_text(checkpoint.log), checkpoint.position + 1);
    f->given = f->done = f->saved = checkpoint.position;
    return PD_CLIENT_OK;
}

/* And where the engine says so. */
static enum pd_client_status
attach(struct pd_client *c, const struct pd_follow_options *options, struct pd_follow *f)
{
    struct pd_text log;
    uint64_t       position;

    if (options->checkpoint != NULL)
        return pd_client_fail(c, PD_CLIENT_BAD_OPTION,
                              "a subscriber with a name has its position at the engine, not in a checkpoint");
    if (options->subscriber.size > 64) return pd_client_fail(c, PD_CLIENT_BAD_OPTION, "the subscriber must be an id of 1-64 bytes");
    enum pd_client_status status =
        pd_named_attach(c, options->subscriber, f->reseller, f->all, options->from, &f->named, &log, &position);
    if (status != PD_CLIENT_OK) return status;
    pd_splice_begin(&f->splice, log, position + 1);
    f->given = f->done = f->saved = position;
    return PD_CLIENT_OK;
}

enum pd_client_status
pd_subscriber_follow(struct pd_client *client, const struct pd_follow_options *options, struct pd_subscriber **ret_subscriber)
{
    struct pd_text        reseller = options->reseller.data == NULL ? PD_TEXT("default") : options->reseller;
    enum pd_client_status status = PD_CLIENT_OK;

    if (reseller.size < 1 || reseller.size > 64 || memchr(reseller.data, '/', reseller.size) != NULL)
        return pd_client_fail(client, PD_CLIENT_BAD_OPTION, "the reseller must be an id of 1-64 bytes, or ~all");
    if (options->log.size > PD_SPLICE_LOG_MAX) return pd_client_fail(client, PD_CLIENT_BAD_OPTION, "the log must be a log's id");
    struct pd_follow *f = calloc(1, sizeof *f);
    PD_CHECK(f != NULL);
    snprintf(f->reseller, sizeof f->reseller, "%.*s", (int)reseller.size, reseller.data);
    snprintf(f->prefix, sizeof f->prefix, "%s/", f->reseller);
    f->all = strcmp(f->reseller, "~all") == 0;
    pd_splice_begin(&f->splice, options->log, options->from);
    f->given = f->done = f->saved = options->from > 0 ? options->from - 1 : 0;
    if (options->checkpoint != NULL) {
        PD_CHECK((f->checkpoint = strdup(options->checkpoint)) != NULL);
        status = read_checkpoint(client, f);
    }
    if (status == PD_CLIENT_OK && options->subscriber.data != NULL) status = attach(client, options, f);
    if (status == PD_CLIENT_OK) status = pd_subscriber_connect(client, pd_text(f->prefix), ret_subscriber);
    if (status != PD_CLIENT_OK) {
        close_follow(&f);
        return status;
    }
    f->heard_ms = f->saved_ms = pd_now_ms();
    (*ret_subscriber)->follow = f;
    return PD_CLIENT_OK;
}

/* ---- the checkpoint ------------------------------------------------------------------------------------------------ */

static enum pd_client_status
save(struct pd_subscriber *s)
{
    struct pd_follow    *f = s->follow;
    struct pd_checkpoint checkpoint = {.position = f->done};

    f->saved_ms = pd_now_ms();
    memcpy(checkpoint.log, f->splice.log, sizeof checkpoint.log);
    memcpy(checkpoint.reseller, f->reseller, sizeof checkpoint.reseller);
    int failed = pd_checkpoint_write(f->checkpoint, &checkpoint);
    if (failed != 0)
        return pd_client_fail(s->client, PD_CLIENT_BAD_OPTION, "the checkpoint %s: %s", f->checkpoint, strerror(failed));
    f->saved = f->done;
    return PD_CLIENT_OK;
}

static enum pd_client_status
save_when_due(struct pd_subscriber *s, bool idle)
{
    struct pd_follow *f = s->follow;

    if (f->named != NULL) return pd_named_keep(f->named, pd_text(f->splice.log), f->done, idle);
    if (f->checkpoint == NULL || f->done == f->saved || f->splice.log[0] == '\0') return PD_CLIENT_OK;
    return idle || pd_now_ms() >= f->saved_ms + SAVE_MS ? save(s) : PD_CLIENT_OK;
}

enum pd_client_status
pd_subscriber_save(struct pd_subscriber *s)
{
    struct pd_follow *f = s->follow;

    if (f == NULL || (f->checkpoint == NULL && f->named == NULL))
        return pd_client_fail(s->client, PD_CLIENT_BAD_OPTION, "there is no checkpoint");
    f->done = f->given;
    if (f->splice.log[0] == '\0') return PD_CLIENT_OK;
    return f->named != NULL ? pd_named_save(f->named, pd_text(f->splice.log), f->done) : save(s);
}

/* The last event that was given may not be done. */
void
pd_follow_end(struct pd_subscriber *s)
{
    struct pd_follow *f = s->follow;

    if (f->named != NULL && !f->splice.reset && f->splice.log[0] != '\0' && f->done != f->saved)
        (void)pd_named_save(f->named, pd_text(f->splice.log), f->done);
    else if (f->named == NULL) save_when_due(s, true);
    close_follow(&s->follow);
}

/* ---- pages --------------------------------------------------------------------------------------------------------- */

static void
take_page(void *context, struct pd_reply *reply)
{
    struct pd_follow *f = context;

    if (f->closed) {
        free(f);
        return;
    }
    f->page = *reply;
    *reply = (struct pd_reply){0};
    f->at = 0;
    f->asking = false;
    f->answered = true;
}

static enum pd_client_status
ask(struct pd_subscriber *s)
{
    struct pd_follow      *f = s->follow;
    struct pd_read_log     query = {.from = f->splice.next, .has_from = true, .all = f->all};
    struct pd_call_message message = pd_read_log_message(&query);

    message.reseller = f->all ? (struct pd_text){NULL, 0} : pd_text(f->reseller);
    message.log = pd_text(f->splice.log);
    message.limit = PAGE;
    message.at_least = f->splice.next;
    pd_reply_fini(&f->page);
    enum pd_client_status status = pd_call_start(s->client, &message, take_page, f);
    f->asking = status == PD_CLIENT_OK;
    return status;
}

/* What asking has come to. The status is PD_CLIENT_OK when there is a page to be given. */
static enum pd_client_status
look_at_page(struct pd_subscriber *s)
{
    struct pd_follow *f = s->follow;

    f->answered = false;
    if (f->page.status == PD_CLIENT_OK && pd_read_log_reply(&f->page) != NULL) return PD_CLIENT_OK;
    if (f->page.status == PD_CLIENT_REFUSED && f->page.refused.code == PD_E_wrong_log) {
        f->splice.reset = true;
        return PD_CLIENT_OK;
    }
    enum pd_error_code    code = f->page.status == PD_CLIENT_REFUSED ? f->page.refused.code : PD_OK;
    enum pd_client_status status = f->page.status == PD_CLIENT_OK ? PD_CLIENT_BAD_ANSWER : f->page.status;
    if (code == PD_E_busy || code == PD_E_shutting_down) status = PD_CLIENT_NO_ANSWER; /* an engine that stops is started again */
    pd_client_fail(s->client, status, "the log cannot be read: %s", f->page.problem);
    s->client->refusal = code;
    return status;
}

/* The next event of the page. False: it has none, or no more. */
static bool
give_from_page(struct pd_follow *f, struct pd_event *event)
{
    const struct pd_events_reply *page = pd_read_log_reply(&f->page);

    if (page == NULL) return false;
    while (f->at < page->events_count) {
        const struct pd_event_view *view = &page->events[f->at++];
        if (pd_splice_event(&f->splice, (struct pd_text){NULL, 0}, view->position) != PD_SPLICE_GIVE) continue;
        if (!pd_event_from_view(view, event)) pd_event_begin(event);
        event->position = view->position;
        event->log = pd_arena_text(event->memory, pd_text(f->splice.log));
        return true;
    }
    pd_splice_page_end(&f->splice, f->page.position);
    pd_reply_fini(&f->page);
    return false;
}

/* ---- the stream ---------------------------------------------------------------------------------------------------- */

/* An engine that is there is heard each second; a socket that is not may be stuck. */
static enum pd_client_status
hear(struct pd_subscriber *s, uint64_t until_ms, struct pd_event *event, bool *ret_given)
{
    struct pd_follow     *f = s->follow;
    uint64_t              now = pd_now_ms(), silent_ms = f->heard_ms + SILENCE_MS;
    uint64_t              end = until_ms < silent_ms ? until_ms : silent_ms;
    enum pd_client_status status = pd_subscriber_take(s, end > now ? (uint32_t)(end - now) : 0, event);

    *ret_given = false;
    if (status == PD_CLIENT_OK) {
        f->heard_ms = pd_now_ms();
        enum pd_splice_verdict verdict = event->heartbeat ? pd_splice_heartbeat(&f->splice, event->log, event->position)
                                                          : pd_splice_event(&f->splice, event->log, event->position);
        *ret_given = verdict == PD_SPLICE_GIVE;
        return PD_CLIENT_OK;
    }
    if (status == PD_CLIENT_BAD_ANSWER) return PD_CLIENT_OK; /* it is no event: the log will tell */
    if (pd_now_ms() < silent_ms) return status;
    f->heard_ms = pd_now_ms();
    enum pd_client_status reopened = pd_subscriber_reconnect(s, pd_text(f->prefix));
    return reopened != PD_CLIENT_OK ? reopened : f->heard_ms < until_ms ? PD_CLIENT_OK : status;
}

/* ---- both ---------------------------------------------------------------------------------------------------------- */

/* One thing: a page's event, a page asked for or waited for, what the stream has. */
static enum pd_client_status
step(struct pd_subscriber *s, uint64_t until_ms, struct pd_event *event, bool *ret_given)
{
    struct pd_follow *f = s->follow;
    uint64_t          now = pd_now_ms();

    *ret_given = false;
    if (f->answered) return look_at_page(s);
    *ret_given = give_from_page(f, event);
    if (*ret_given) return PD_CLIENT_OK;
    if (f->asking) {
        pd_client_poll(s->client, now < until_ms ? (uint32_t)(until_ms - now) : 0); /* who never waits gets his pages, too */
        if (f->asking && pd_now_ms() >= until_ms)
            return pd_client_fail(s->client, PD_CLIENT_NO_ANSWER, "the log is still being read");
        return PD_CLIENT_OK;
    }
    if (pd_splice_wants_page(&f->splice)) return ask(s);
    return hear(s, until_ms, event, ret_given);
}

enum pd_client_status
pd_follow_event(struct pd_subscriber *s, uint32_t timeout_ms, struct pd_event *event)
{
    struct pd_follow     *f = s->follow;
    uint64_t              until_ms = pd_now_ms() + timeout_ms;
    bool                  given = false;
    enum pd_client_status status = pd_client_may_wait(s->client);

    pd_event_begin(event);
    f->done = f->given; /* whoever asks for another one is done with those before */
    if (status == PD_CLIENT_OK) status = save_when_due(s, false);
    while (status == PD_CLIENT_OK && !given && !f->splice.reset) {
        bool idle = !f->asking && !f->answered && pd_read_log_reply(&f->page) == NULL && !pd_splice_wants_page(&f->splice);
        if (idle) status = save_when_due(s, true);
        if (status == PD_CLIENT_OK) status = step(s, until_ms, event, &given);
    }
    if (status == PD_CLIENT_OK && given) {
        f->given = event->position;
        return PD_CLIENT_OK;
    }
    pd_event_begin(event);
    if (status != PD_CLIENT_OK) return status;
    return pd_client_fail(s->client, PD_CLIENT_RESET, "the engine has another log now: positions of %s mean nothing in it",
                          f->splice.log[0] == '\0' ? "the one before" : f->splice.log);
}

uint64_t
pd_subscriber_position(const struct pd_subscriber *s, uint64_t *ret_head)
{
    if (ret_head != NULL) *ret_head = s->follow == NULL ? 0 : s->follow->splice.head;
    return s->follow == NULL ? 0 : s->follow->given;
}

struct pd_text
pd_subscriber_log(const struct pd_subscriber *s)
{
    bool heard = s->follow != NULL && s->follow->splice.log[0] != '\0';
    return heard ? pd_text(s->follow->splice.log) : (struct pd_text){NULL, 0};
}

enum pd_client_status
pd_subscriber_renew(struct pd_subscriber *s)
{
    struct pd_follow *f = s->follow;

    if (f == NULL || f->named == NULL) return PD_CLIENT_OK;
    return pd_named_keep(f->named, pd_text(f->splice.log), f->done, false);
}

enum pd_client_status
pd_subscriber_restart(struct pd_subscriber *s, uint64_t from)
{
    struct pd_follow     *f = s->follow;
    uint64_t              position = from > 0 ? from - 1 : 0;
    enum pd_client_status status = PD_CLIENT_OK;

    if (f == NULL) return pd_client_fail(s->client, PD_CLIENT_BAD_OPTION, "this subscriber does not follow");
    while (f->asking) pd_client_poll(s->client, 1000); /* every call ends */
    if (f->named != NULL) status = pd_named_restart(f->named, pd_text(f->splice.log), from, &position);
    /* What waits in the old socket is the old log's. */
    if (status == PD_CLIENT_OK) status = pd_subscriber_reconnect(s, pd_text(f->prefix));
    if (status != PD_CLIENT_OK) return status;
    f->heard_ms = pd_now_ms();
    pd_reply_fini(&f->page);
    f->answered = false;
    pd_splice_begin(&f->splice, (struct pd_text){NULL, 0}, f->named != NULL ? position + 1 : from);
    f->given = f->done = position;
    f->saved = from > 0 ? UINT64_MAX : position; /* what happens from now on: where that is shows the first event */
    return PD_CLIENT_OK;
}
