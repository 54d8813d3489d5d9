/* repairs.c - what is done about orders whose provisioning or clean-up has failed, about subscriptions, tasks and workers; and,
 * when nothing goes wrong any more, what is left to do. */
#include <inttypes.h>

#include "proto/check.h"
#include "tests/sim/sim.h"

static json_t *
set(json_t *r, const char *key, json_t *value)
{
    json_object_set_new(json_object_get(r, "data"), key, value);
    return r;
}

static json_t *
correct_item(struct sim *s, const struct known_order *o)
{
    json_t *r = set(about_order(s, "CorrectItem", o), "item", json_integer(1 + (json_int_t)chance(s, 3)));
    char    name[32];

    snprintf(name, sizeof name, "tienda-%" PRIu64 ".es", chance(s, 400));
    if (chance(s, 3) > 0) set(r, "domain", json_string(chance(s, 20) > 0 ? name : "servidor.local"));
    if (chance(s, 3) == 0) set(r, "parameters", parse("{'talla':'grande'}"));
    return r;
}

json_t *
correct_and_retry(struct sim *s, const struct known_order *o)
{
    json_t *array = json_array();
    json_array_append_new(array, correct_item(s, o));
    json_array_append_new(array, about_order(s, "RetryProvisioning", o));
    return array;
}

json_t *
repair_order(struct sim *s, const struct known_order *o)
{
    uint64_t roll = chance(s, 16);

    if (roll < 5) return about_order(s, "RetryProvisioning", o);
    if (roll < 6) return about_order(s, "CancelOrder", o);
    if (roll < 12) return correct_item(s, o);
    if (roll < 14) return about_order(s, "AcceptPartial", o);
    json_t *r = set(about_order(s, "GiveUp", o), "reason", json_string("no puede ser"));
    return chance(s, 8) > 0 ? r : set(r, "abandon", json_true());
}

json_t *
end_cleanup(struct sim *s, const struct known_order *o)
{
    if (chance(s, 2) == 0) return about_order(s, "CancelOrder", o);
    json_t *r = set(about_order(s, "GiveUp", o), "reason", json_string("se queda"));
    return chance(s, 8) == 0 ? r : set(r, "abandon", json_true());
}

/* ---- subscriptions, tasks, workers --------------------------------------------------------------------------------------- */

static json_t *
end_subscription(struct sim *s)
{
    json_t *r = parse("{'type':'EndSubscription','data':{'subscription':%" PRIu64 ",'reason':'baja'}}",
                      1 + chance(s, 1 + s->counts.commands / 15));
    return chance(s, 4) > 0 ? r : set(r, "abandon", json_true());
}

/* The file says the same of a reference each time, or nearly. */
static json_t *
import_subscription(struct sim *s)
{
    static const char *const plans[] = {"web", "mail", "hand", "none"}, *const periods[] = {"1y", "1m", "1y", "1y"};
    uint64_t                 line = chance(s, 300), n = line % 4, start = UINT64_C(1700000000000000);
    uint64_t                 expiration = chance(s, 20) > 0 ? start + 1 + line * 3000000 : start + chance(s, 2);
    json_t *r = parse("{'type':'ImportSubscription','data':{'customer':'c%" PRIu64 "','plan':'%s','period':'%s','start':%" PRIu64
                      ",'expiration':%" PRIu64 ",'reference':'viejo-%" PRIu64 "'}}",
                      line % CUSTOMERS, plans[n], periods[n], start, expiration, line);
    char    name[32];

    snprintf(name, sizeof name, "tienda-%" PRIu64 ".es", chance(s, 3) > 0 ? line : chance(s, 400));
    return (n < 2) == (chance(s, 20) > 0) ? set(r, "domain", json_string(name)) : r;
}

unsigned
reseller_of(uint64_t print)
{
    unsigned n = 0;
    while (n < RESELLERS && model_print_of(pd_text(resellers[n])) != print) n++;
    PD_CHECK(n < RESELLERS);
    return n;
}

/* An operator's word about a task that is open, or was handed out of late, or about any. */
static json_t *
mend_task(struct sim *s)
{
    static const char *const words[] = {"RetryTask", "RetryTask", "ReleaseTask", "FailTask", "SucceedTask"};
    uint64_t                 task = 1 + chance(s, 1 + s->counts.commands / 15), print;
    const char              *reseller = resellers[chance(s, RESELLERS)];

    if (chance(s, 3) > 0 && model_open_task(s->model, chance(s, 1000), &print, &task)) reseller = resellers[reseller_of(print)];
    else if (s->overheard_count > 0 && chance(s, 4) > 0) {
        const struct overheard *h = &s->overheard[chance(s, s->overheard_count < OVERHEARD ? s->overheard_count : OVERHEARD)];
        task = h->task, reseller = h->reseller;
    }
    return parse("{'type':'%s','reseller':'%s','data':{'task':%" PRIu64 ",'reason':'a mano'}}",
                 words[chance(s, 5)], reseller, task);
}

json_t *
make_repair(struct sim *s)
{
    uint64_t roll = chance(s, 20);

    if (roll < 7) return end_subscription(s);
    if (roll < 11) return import_subscription(s);
    if (roll < 19) return mend_task(s);
    return parse("{'type':'DrainWorker','data':{'worker':'w%" PRIu64 "'}}", 1 + chance(s, WORKERS + 1));
}

/* ---- in calm ------------------------------------------------------------------------------------------------------------- */

json_t *
chore_of(struct sim *s)
{
    struct model_chore c;

    if (!model_chore(s->model, &c) || chance(s, 3) == 0) return NULL;
    unsigned n = reseller_of(c.reseller);
    bool     tired = chance(s, 3) == 0;
    switch (c.command) {
    case PD_COMMAND_succeed_task:
        return parse("{'type':'SucceedTask','reseller':'%s','data':{'task':%" PRIu64 ",'reason':'hecho a mano'}}",
                     resellers[n], c.number);
    case PD_COMMAND_end_subscription:
        return parse("{'type':'EndSubscription','reseller':'%s','data':{'subscription':%" PRIu64
                     ",'reason':'limpieza','abandon':%s}}",
                     resellers[n], c.number, tired ? "true" : "false");
    case PD_COMMAND_cancel_order:
        if (!tired) return parse("{'type':'CancelOrder','reseller':'%s','data':{'order':%" PRIu64 "}}", resellers[n], c.number);
        return parse("{'type':'GiveUp','reseller':'%s','data':{'order':%" PRIu64 ",'reason':'se queda','abandon':true}}",
                     resellers[n], c.number);
    default:
        return parse("{'type':'GiveUp','reseller':'%s','data':{'order':%" PRIu64 ",'reason':'fin'}}", resellers[n], c.number);
    }
}
