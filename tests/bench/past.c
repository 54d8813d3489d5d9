/* past.c - what happened in those years. Of a hundred orders 4 stay drafts until they expire, 5 are cancelled, 2 fail for now, 2
 * fail and are tried again, one is given up and one corrected; the others are completed, a fifth of them with a second item.
 * Resellers and customers are of very uneven size; for 20 orders there is a subscription that was imported, and 3 in 100 end. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/decimal.h"
#include "proto/check.h"
#include "tests/bench/history.h"

static uint64_t
mix(uint64_t n)
{
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
    n = (n ^ n >> 27) * 0x94d049bb133111eb;
    return n ^ n >> 31;
}

/* From 0 to below 1; another one for each order and use. */
static double
share(uint64_t order, uint64_t use)
{
    return (double)(mix(order * 16 + use + 1) >> 11) * 0x1p-53;
}

enum fate
history_fate(uint64_t order)
{
    static const double upto[] = {0.04, 0.09, 0.11, 0.13, 0.14, 0.15};
    double              drawn = share(order, 0);
    int                 fate = 0;

    while (fate < COMPLETED && drawn >= upto[fate]) fate++;
    return (enum fate)fate;
}

/* The first of a hundred resellers has a fifth of all orders. */
static uint32_t
reseller_of(const struct history *h, uint64_t order)
{
    double drawn = share(order, 1);
    return (uint32_t)((double)h->resellers * drawn * drawn * drawn);
}

static bool
has_two(uint64_t order)
{
    return history_fate(order) == COMPLETED && share(order, 2) < 0.2;
}

static const uint64_t OF_ALL = UINT64_MAX;

/* ---- packing ------------------------------------------------------------------------------------------------------- */

static struct mp_writer *
begin(struct history *h, enum pd_port port, const char *type, const char *step, uint64_t n, uint64_t reseller, size_t fields)
{
    char id[64], name[32];

    PD_CHECK(h->count < TURN_MAX);
    h->requests[h->count].port = port;
    h->requests[h->count].begin = h->frames.size;
    h->requests[h->count++].worker = '0';
    *decimal_put(stpcpy(id, step), n) = '\0';
    if (reseller == OF_ALL) stpcpy(name, "default");
    else *decimal_put(stpcpy(name, "reseller-"), reseller) = '\0';
    load_add_request(&h->frames, type, id, name, fields);
    return &h->frames;
}

static void
put_period(struct history *h, uint64_t reseller, const char *plan, const char *period, uint64_t fee, uint64_t n)
{
    struct mp_writer *w = begin(h, PD_port_commands, "PutPeriod", "period-", n, reseller, 6);

    load_text(w, "plan", plan);
    load_text(w, "period", period);
    mp_key(w, "enabled");
    mp_bool(w, true);
    mp_key(w, "setup_fee");
    mp_uint(w, 0);
    mp_key(w, "recurring_fee");
    mp_uint(w, fee);
    load_text(w, "currency", "EUR");
}

static void
put_plan(struct history *h, uint64_t reseller, const char *plan, const char *name, uint64_t n)
{
    struct mp_writer *w = begin(h, PD_port_commands, "PutPlan", "plan-", n, reseller, 6);

    load_text(w, "plan", plan);
    load_text(w, "name", name);
    load_text(w, "category", plan);
    mp_key(w, "published");
    mp_bool(w, true);
    load_text(w, "domain", "exclusive");
    load_text(w, "worker_group", "hosting");
}

void
past_furnish(struct history *h, uint64_t reseller)
{
    struct mp_writer *w = begin(h, PD_port_commands, "PutReseller", "reseller-", reseller, OF_ALL, 3);

    load_numbered(w, "reseller", "reseller-", reseller);
    load_numbered(w, "name", "Distribuidor ", reseller);
    load_text(w, "time_zone", "Europe/Madrid");
    put_plan(h, reseller, "web", "Hosting", 1);
    put_plan(h, reseller, "mail", "Correo", 2);
    put_period(h, reseller, "web", "1y", 12000, 1);
    put_period(h, reseller, "web", "1m", 1100, 2);
    put_period(h, reseller, "mail", "1y", 2400, 3);
}

void
past_workers(struct history *h, uint64_t credit)
{
    for (char worker = '0'; worker < '0' + WORKERS; worker++) {
        char              name[] = {'h', 'i', 's', 't', 'o', 'r', 'y', '-', worker, '\0'};
        struct mp_writer *w = begin(h, PD_port_workers, "WorkerReady", "w", 0, OF_ALL, 3);
        h->requests[h->count - 1].worker = worker;
        load_text(w, "worker", name);
        mp_key(w, "groups");
        mp_array(w, 1);
        mp_key(w, "hosting");
        mp_key(w, "credit");
        mp_uint(w, credit);
    }
}

/* ---- orders -------------------------------------------------------------------------------------------------------- */

static void
import(struct history *h, uint32_t reseller, uint64_t customer, pd_time_us start)
{
    uint64_t          n = ++h->imported;
    struct mp_writer *w = begin(h, PD_port_commands, "ImportSubscription", "i", n, reseller, 7);
    char              domain[40] = "i";

    *stpcpy(decimal_put(domain + 1, n), ".es") = '\0';
    load_numbered(w, "customer", "c", customer);
    load_text(w, "plan", "web");
    load_text(w, "period", "1y");
    load_text(w, "domain", domain);
    mp_key(w, "start");
    mp_uint(w, start);
    mp_key(w, "expiration");
    mp_uint(w, start + (pd_time_us)365 * 86400 * 1000000);
    load_numbered(w, "reference", "import-", n);
}

/* Whose it is was drawn before its customer was there: a number below what its reseller then has. */
static uint64_t
customer_of(const struct history *h, uint64_t order)
{
    uint64_t count = h->customers[reseller_of(h, order)];
    double   drawn = share(order, 3);
    return (uint64_t)((double)count * drawn * drawn);
}

void
past_prepare(struct history *h, uint64_t order)
{
    static const pd_time_us LONG_AGO = (pd_time_us)1500000000 * 1000000;
    uint32_t                reseller = reseller_of(h, order);

    if (h->customers[reseller] == 0 || share(order, 4) < 0.3) {
        uint64_t          n = h->customers[reseller]++;
        struct mp_writer *w = begin(h, PD_port_commands, "PutCustomer", "c", n, reseller, 2);
        load_numbered(w, "customer", "c", n);
        load_numbered(w, "name", "Cliente ", n);
    }
    if (order % 20 == 0) import(h, reseller, customer_of(h, order), LONG_AGO + order * 1000);
}

static void
put_item(struct mp_writer *w, const char *plan, const char *period, uint64_t order)
{
    char domain[40] = "d";

    *stpcpy(decimal_put(domain + 1, order), ".es") = '\0';
    mp_map(w, 3);
    load_text(w, "plan", plan);
    load_text(w, "period", period);
    load_text(w, "domain", domain);
}

void
past_add(struct history *h, uint64_t order)
{
    struct mp_writer *w = begin(h, PD_port_commands, "AddOrder", "a", order, reseller_of(h, order), 3);

    load_numbered(w, "customer", "c", customer_of(h, order));
    mp_key(w, "items");
    mp_array(w, has_two(order) ? 2 : 1);
    put_item(w, "web", share(order, 5) < 0.3 ? "1m" : "1y", order);
    if (has_two(order)) put_item(w, "mail", "1y", order);
    load_numbered(w, "reference", "", order);
}

static void
name_order(struct history *h, const char *type, const char *step, uint64_t order)
{
    load_numbered(begin(h, PD_port_commands, type, step, order, reseller_of(h, order), 1), "reference", "", order);
}

void
past_confirm(struct history *h, uint64_t order)
{
    if (history_fate(order) != DRAFT) name_order(h, "ConfirmOrder", "f", order);
}

void
past_open(struct history *h, uint64_t order)
{
    if (history_fate(order) == CANCELLED) name_order(h, "CancelOrder", "x", order);
    else if (history_fate(order) != DRAFT) name_order(h, "OpenOrder", "o", order);
}

void
past_repair(struct history *h, uint64_t order)
{
    enum fate fate = history_fate(order);
    char      domain[40] = "n";

    if (fate == GIVEN_UP) {
        struct mp_writer *w = begin(h, PD_port_commands, "GiveUp", "g", order, reseller_of(h, order), 2);
        load_numbered(w, "reference", "", order);
        load_text(w, "reason", "The registry says no.");
    }
    if (fate == CORRECTED) {
        struct mp_writer *w = begin(h, PD_port_commands, "CorrectItem", "m", order, reseller_of(h, order), 3);
        *stpcpy(decimal_put(domain + 1, order), ".es") = '\0';
        load_numbered(w, "reference", "", order);
        mp_key(w, "item");
        mp_uint(w, 1);
        load_text(w, "domain", domain);
    }
    if (fate == CORRECTED || fate == RETRIED) name_order(h, "RetryProvisioning", "t", order);
}

/* ---- tasks --------------------------------------------------------------------------------------------------------- */

static uint64_t
number_at(struct pd_text body, const char *key)
{
    return load_uint(load_after(body.data, body.size, key));
}

/* "reseller-<n>" */
static uint32_t
number_of(struct pd_text reseller)
{
    uint32_t number = 0;

    for (size_t i = strlen("reseller-"); i < reseller.size; i++) number = number * 10 + (uint32_t)(reseller.data[i] - '0');
    return number;
}

void
past_assigned(struct history *h, struct pd_text address, struct pd_text body)
{
    const char  *reseller = load_after(body.data, body.size, "\xa8reseller");
    const char  *reference = load_after(body.data, body.size, "\xa9reference") + 1;
    struct task *t = &h->tasks[h->task_count];

    PD_CHECK(h->task_count++ < TASKS_MAX);
    *t = (struct task){.task = number_at(body, "\xa4task"), .lease = number_at(body, "\xa5lease"), .worker = *address.data,
                       .attempt = number_at(body, "\xa7" "attempt"), .order = strtoull(reference, NULL, 10),
                       .reseller = number_of((struct pd_text){reseller + 1, *reseller & 0x1f}),
                       .of_order = *reference >= '0' && *reference <= '9',
                       .provisions = memmem(body.data, body.size, "\xa9provision", 10) != NULL};
    if (t->provisions && t->lease > 1 && history_fate(t->order) == STUMBLES) h->stumbled--;
}

/* Whether its first try fails. */
static bool
fails(const struct task *t)
{
    enum fate fate = history_fate(t->order);
    return t->provisions && t->of_order && fate >= STUMBLES && fate < COMPLETED && t->attempt == 1 && t->lease == 1;
}

void
past_report(struct history *h)
{
    for (size_t i = 0; i < h->task_count; i++) {
        const struct task *t = &h->tasks[i];
        char               step[40], name[] = {'h', 'i', 's', 't', 'o', 'r', 'y', '-', t->worker, '\0'};
        bool               stumbles = fails(t) && history_fate(t->order) == STUMBLES;

        *stpcpy(decimal_put(stpcpy(step, "r"), t->task), "-") = '\0';
        struct mp_writer *w = begin(h, PD_port_workers, fails(t) ? "ReportFailure" : "ReportSuccess", step, t->lease, t->reseller,
                                    stumbles || !fails(t) ? 4 : 3);
        h->requests[h->count - 1].worker = t->worker;
        load_text(w, "worker", name);
        mp_key(w, "task");
        mp_uint(w, t->task);
        mp_key(w, "lease");
        mp_uint(w, t->lease);
        if (stumbles) {
            mp_key(w, "retryable");
            mp_bool(w, true);
            h->stumbled++;
        } else if (!fails(t)) {
            mp_key(w, "parameters");
            mp_map(w, 1);
            load_text(w, "login", "https://panel.example/login");
        }
    }
    h->task_count = 0;
}

void
past_activated(struct history *h, struct pd_text reseller, uint64_t subscription)
{
    uint32_t number = number_of(reseller);

    if (mix(subscription * 65536 + number) % 33 != 0 || h->ending_count == ENDING_MAX) return;
    size_t n = (h->ending_first + h->ending_count++) % ENDING_MAX;
    h->ending[n].reseller = number;
    h->ending[n].subscription = subscription;
}

/* Those that have been active for longest; as many more than these stay for later. */
void
past_end(struct history *h, size_t most)
{
    while (h->ending_count > most) {
        uint64_t          subscription = h->ending[h->ending_first].subscription;
        uint32_t          reseller = h->ending[h->ending_first].reseller;
        struct mp_writer *w = begin(h, PD_port_commands, "EndSubscription", "e", subscription, reseller, 2);
        mp_key(w, "subscription");
        mp_uint(w, subscription);
        load_text(w, "reason", "Not wanted any more.");
        h->ending_first = (h->ending_first + 1) % ENDING_MAX;
        h->ending_count--;
    }
}
