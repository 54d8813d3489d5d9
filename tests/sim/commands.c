/* commands.c - what a client asks for next: the way of its orders for the most part, and now and then anything at all. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "proto/check.h"
#include "tests/sim/sim.h"

const char *const resellers[] = {"default", "norte", "sur"};

/* Each reseller's shop; %s is the reseller. The plan `hand` is provisioned by hand: its deadline always comes. */
static const char *const shop[] = {
    "{'type':'PutReseller','data':{'reseller':'%s','name':'Un distribuidor'}}",
    "{'type':'PutPlan','data':{'plan':'web','name':'Hosting','category':'hosting','published':true,'domain':'exclusive',"
    "'deadline_s':20}}",
    "{'type':'PutPlan','data':{'plan':'cert','name':'Hosting con certificado','category':'hosting','published':true,"
    "'domain':'exclusive','worker_group':'web','deadline_s':6}}",
    "{'type':'PutPlan','data':{'plan':'mail','name':'Correo electrónico','category':'mail','published':true,'domain':'shared',"
    "'deadline_s':30}}",
    "{'type':'PutPlan','data':{'plan':'hand','name':'A mano','category':'help','published':true,'domain':'none',"
    "'provisioning':'manual','deadline_s':4}}",
    "{'type':'PutPlan','data':{'plan':'none','name':'Licencia','category':'licence','published':true,'domain':'none',"
    "'provisioning':'none'}}",
    "{'type':'PutPeriod','data':{'plan':'web','period':'1y','enabled':true,'setup_fee':500,'recurring_fee':9900,'currency':'EUR'}}",
    "{'type':'PutPeriod','data':{'plan':'cert','period':'1m','enabled':true,'setup_fee':0,'recurring_fee':900,'currency':'EUR'}}",
    "{'type':'PutPeriod','data':{'plan':'mail','period':'1m','enabled':true,'setup_fee':0,'recurring_fee':300,'currency':'EUR'}}",
    "{'type':'PutPeriod','data':{'plan':'mail','period':'30d','enabled':true,'trial':true,'setup_fee':0,'recurring_fee':0,"
    "'currency':'EUR'}}",
    "{'type':'PutPeriod','data':{'plan':'hand','period':'1y','enabled':true,'setup_fee':0,'recurring_fee':100,'currency':'EUR'}}",
    "{'type':'PutPeriod','data':{'plan':'none','period':'1y','enabled':true,'setup_fee':0,'recurring_fee':4000,'currency':'EUR'}}",
    "{'type':'PutPeriod','data':{'plan':'none','period':'1m','enabled':true,'setup_fee':0,'recurring_fee':4,'currency':'USD'}}",
    "{'type':'PutPeriod','data':{'plan':'none','period':'30d','enabled':true,'setup_fee':9000000000000000000,'recurring_fee':1,"
    "'currency':'EUR'}}",
    "{'type':'PutCustomer','data':{'customer':'c0','name':'Ana'}}",
    "{'type':'PutCustomer','data':{'customer':'c1','name':'Bruno'}}",
    "{'type':'PutCustomer','data':{'customer':'c2','name':'Carmen'}}",
    "{'type':'PutCustomer','data':{'customer':'c3','name':'Diego'}}",
    "{'type':'PutCustomer','data':{'customer':'c4','name':'Elena'}}",
};
enum { SHOP = sizeof shop / sizeof shop[0] };

/* What no client should say, and what the engine must not take. */
static const char *const wrongs[] = {
    "{'type':'AddOrders','data':{}}",
    "{'type':'AddOrder','v':2,'data':{}}",
    "{'type':'AddOrder','data':{'customer':'c0'}}",
    "{'type':'AddOrder','data':{'customer':'c0','items':[{'plan':'none','period':'1y'}],'colour':'red'}}",
    "{'type':'AddOrder','data':{'customer':'c 0','items':[{'plan':'web','period':'1y'}]}}",
    "{'type':'AddOrder','data':{'customer':'c0','items':[{'plan':'none','period':'1y','quantity':10001}]}}",
    "{'type':'AddOrder','data':{'customer':'c0','items':[{'plan':'none','period':'30d','quantity':2}]}}",
    "{'type':'AddOrder','data':{'customer':'c0','items':[{'plan':'web','period':'1y','domain':'servidor.local'}]}}",
    "{'type':'AddOrder','data':{'customer':'c0','items':[{'plan':'web','period':'1y'}]}}",
    "{'type':'AddOrder','data':{'customer':'c0','items':[{'plan':'none','period':'1y','domain':'tienda-1.es'}]}}",
    "{'type':'AddOrder','data':{'customer':'c0','items':[{'plan':'none','period':'1y'},{'plan':'none','period':'1m'}]}}",
    "{'type':'AddOrder','data':{'customer':'c0','items':[{'plan':'gold','period':'1y'}]}}",
    "{'type':'AddOrder','data':{'customer':'c0','items':[{'plan':'none','period':'2y'}]}}",
    "{'type':'AddOrder','data':{'customer':'c9','items':[{'plan':'none','period':'1y'}]}}",
    "{'type':'OpenOrder','data':{'order':99999}}",
    "{'type':'OpenOrder','data':{}}",
    "{'type':'OpenOrder','data':{'order':1,'reference':'r'}}",
    "{'type':'OpenOrder','reseller':'nadie','data':{'order':1}}",
    "{'type':'PutReseller','data':{'reseller':'norte','name':'Norte','time_zone':'Marte/Olympus'}}",
    "{'type':'AddNote','data':{'subscription':99999,'text':'nada'}}",
    "{'type':'AddNote','data':{'text':'nada'}}",
    "{'type':'HoldCustomer','data':{'customer':'c9','reason':'impago'}}",
    "{'type':'ReleaseCustomer','data':{'customer':'c0','reason':'otra cosa'}}",
    "{'type':'PutPeriod','data':{'plan':'gold','period':'1y','enabled':true,'setup_fee':0,'recurring_fee':1,'currency':'EUR'}}",
    "{'type':'Hello'}",
    "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]",
    "[]",
    "17",
};
enum { WRONGS = sizeof wrongs / sizeof wrongs[0] };

/* ---- JSON to bytes ----------------------------------------------------------------------------------------------------- */

static void
pack(struct mp_writer *w, const json_t *o)
{
    const char *key;
    json_t     *value;
    size_t      i;

    switch (json_typeof(o)) {
    case JSON_OBJECT:
        mp_map(w, json_object_size(o));
        json_object_foreach((json_t *)(uintptr_t)o, key, value)
        {
            mp_text(w, pd_text(key));
            pack(w, value);
        }
        break;
    case JSON_ARRAY:
        mp_array(w, json_array_size(o));
        json_array_foreach(o, i, value) pack(w, value);
        break;
    case JSON_STRING: mp_text(w, pd_text(json_string_value(o))); break;
    case JSON_INTEGER: mp_int(w, json_integer_value(o)); break;
    case JSON_TRUE:
    case JSON_FALSE: mp_bool(w, json_is_true(o)); break;
    default: mp_nil(w);
    }
}

json_t *
parse(const char *format, ...)
{
    char    text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *p = text; *p != '\0'; p++)
        if (*p == '\'') *p = '"';
    json_t *o = json_loads(text, JSON_DECODE_ANY, NULL);
    PD_CHECK(o != NULL);
    return o;
}

/* ---- orders ------------------------------------------------------------------------------------------------------------ */

static json_t *
make_items(struct sim *s)
{
    static const char *const plans[] = {"web", "web", "cert", "mail", "mail", "hand", "none"};
    static const char *const periods[] = {"1y", "1y", "1m", "1m", "30d", "1y", "1y"};
    static const char *const names[] = {"españa.es", "panadería-lópez.es"};
    json_t                  *items = json_array();

    for (uint64_t count = 1 + (chance(s, 2) == 0) * chance(s, 4); count > 0; count--) {
        uint64_t n = chance(s, 7);
        json_t  *item = parse("{'plan':'%s','period':'%s'}", plans[n], periods[n]);
        char     name[32];
        snprintf(name, sizeof name, "tienda-%" PRIu64 ".es", chance(s, 400));
        if (n < 5) json_object_set_new(item, "domain", json_string(chance(s, 20) == 0 ? names[chance(s, 2)] : name));
        if (chance(s, 5) == 0) json_object_set_new(item, "quantity", json_integer(1 + (json_int_t)chance(s, 20)));
        json_array_append_new(items, item);
    }
    return items;
}

static json_t *
add_order(struct sim *s, struct client *c)
{
    struct known_order *o = c->about = &c->orders[c->made++ % KNOWN_ORDERS];

    *o = (struct known_order){.reseller = (unsigned)chance(s, RESELLERS), .customer = chance(s, CUSTOMERS - 1)};
    if (chance(s, 40) > 0) snprintf(o->reference, sizeof o->reference, "r%d-%" PRIu64, c->number, c->made);
    else snprintf(o->reference, sizeof o->reference, "r%" PRIu64 "-1", chance(s, CLIENTS)); /* somebody's first */
    json_t *r = parse("{'type':'AddOrder','data':{'customer':'c%" PRIu64 "','reference':'%s'}}", o->customer, o->reference);
    json_object_set_new(json_object_get(r, "data"), "items", make_items(s));
    return r;
}

json_t *
about_order(struct sim *s, const char *type, const struct known_order *o)
{
    if (o->number > 0 && (o->reference[0] == '\0' || chance(s, 2) == 0))
        return parse("{'type':'%s','data':{'order':%" PRIu64 "}}", type, o->number);
    return parse("{'type':'%s','data':{'reference':'%s'}}", type, o->reference);
}

static json_t *
confirm_order(struct sim *s, const struct known_order *o)
{
    json_t *r = about_order(s, "ConfirmOrder", o);
    if (chance(s, 3) == 0)
        json_object_set_new(json_object_get(r, "data"), "total", json_integer((json_int_t)(o->total + (chance(s, 10) == 0))));
    return r;
}

static json_t *
check_status(struct sim *s, struct client *c, const struct known_order *o)
{
    json_t *r = about_order(s, "CheckStatus", o);
    if (chance(s, 3) > 0) c->patience_ms = (uint32_t)chance(s, 1500);
    if (c->patience_ms > 0) json_object_set_new(json_object_get(r, "data"), "wait_ms", json_integer(c->patience_ms));
    if (chance(s, 2) == 0) json_object_set_new(json_object_get(r, "data"), "until", json_string("end"));
    return r;
}

static json_t *
update_order(struct sim *s, const struct known_order *o)
{
    json_t *r = about_order(s, "UpdateOrder", o);
    json_object_set_new(json_object_get(r, "data"), "items", make_items(s));
    return r;
}

static json_t *
hold_customer(struct sim *s, uint64_t customer)
{
    return parse("{'type':'HoldCustomer','data':{'customer':'c%" PRIu64 "','reason':'impago %" PRIu64 "'}}", customer,
                 chance(s, 2));
}

static json_t *
release_customer(struct sim *s, uint64_t customer)
{
    return parse("{'type':'ReleaseCustomer','data':{'customer':'c%" PRIu64 "','reason':'impago %" PRIu64 "'}}", customer,
                 chance(s, 2));
}

/* The next step of an order's way, or any. */
static json_t *
move_order(struct sim *s, struct client *c, bool any)
{
    struct known_order *o = &c->orders[chance(s, KNOWN_ORDERS)];
    int                 state = any ? 1 + (int)chance(s, 10) : o->state;

    c->about = o;
    if (o->reference[0] == '\0') return add_order(s, c);
    switch (state) {
    case PD_order_state_draft: return chance(s, 8) > 0 ? confirm_order(s, o) : update_order(s, o);
    case PD_order_state_new:
        if (chance(s, 12) == 0) return hold_customer(s, o->customer);
        return chance(s, 10) > 0 ? about_order(s, "OpenOrder", o) : update_order(s, o);
    case PD_order_state_held:
        if (chance(s, 3) > 0) return release_customer(s, o->customer);
        return chance(s, 4) > 0 ? about_order(s, "OpenOrder", o) : update_order(s, o);
    case PD_order_state_cancelling:
    case PD_order_state_provisioning: return chance(s, 8) > 0 ? check_status(s, c, o) : about_order(s, "CancelOrder", o);
    case PD_order_state_provisioning_failed: return repair_order(s, o);
    case PD_order_state_cleanup_failed: return end_cleanup(s, o);
    case PD_order_state_completed: return any ? about_order(s, "CancelOrder", o) : add_order(s, c);
    default: return any ? about_order(s, "CancelOrder", o) : add_order(s, c);
    }
}

/* ---- the shop ---------------------------------------------------------------------------------------------------------- */

static json_t *
keep_shop(struct sim *s)
{
    uint64_t customer = chance(s, CUSTOMERS - 1), words = chance(s, 9);

    switch (chance(s, 8)) {
    case 0: return chance(s, 2) == 0 ? hold_customer(s, customer) : release_customer(s, customer);
    case 1:
    case 2:
    case 3: return release_customer(s, customer);
    case 4: return parse("{'type':'PutCustomer','data':{'customer':'c%" PRIu64 "','name':'Nombre %" PRIu64 "'}}", customer, words);
    case 5:
        return parse("{'type':'PutPlan','data':{'plan':'none','name':'Licencia','category':'licence','published':%s,"
                     "'domain':'none','provisioning':'none'}}", chance(s, 4) > 0 ? "true" : "false");
    case 6:
        return parse("{'type':'PutPeriod','data':{'plan':'mail','period':'1m','enabled':%s,'setup_fee':0,'recurring_fee':%" PRIu64
                     ",'currency':'EUR'}}", chance(s, 3) > 0 ? "true" : "false", chance(s, 1000));
    default:
        return chance(s, 2) == 0
                   ? parse("{'type':'AddNote','data':{'customer':'c%" PRIu64 "','text':'llama el viernes'}}", customer)
                   : parse("{'type':'AddNote','data':{'subscription':%" PRIu64 ",'text':'va bien'}}", 1 + chance(s, 60));
    }
}

/* The last customer orders nothing, and collects more reasons than there is room for. */
static json_t *
hold_once_more(struct sim *s)
{
    return parse("{'type':'HoldCustomer','data':{'customer':'c%d','reason':'motivo %" PRIu64 "'}}", CUSTOMERS - 1, chance(s, 30));
}

static json_t *
add_note(struct sim *s, struct client *c)
{
    if (c->orders[0].reference[0] == '\0') return add_order(s, c);
    c->about = &c->orders[0];
    return parse("{'type':'AddNote','data':{'reference':'%s','text':'otra vez'}}", c->about->reference);
}

/* Somebody looks through what has failed. */
static json_t *
mend_order(struct sim *s, struct client *c)
{
    struct known_order *o = c->about = &c->foreign;
    uint64_t            print;

    *o = (struct known_order){.number = 0};
    if (!model_failed_order(s->model, chance(s, 1000), &print, &o->number, &o->state)) return add_order(s, c);
    o->reseller = reseller_of(print);
    if (o->state == PD_order_state_cleanup_failed) return end_cleanup(s, o);
    if (chance(s, 3) > 0) return repair_order(s, o);
    c->regretted = o;
    return correct_and_retry(s, o);
}

static json_t *
make_any(struct sim *s, struct client *c)
{
    uint64_t roll = chance(s, 100);

    if (c->regretted != NULL && chance(s, 2) == 0) {
        c->about = c->regretted;
        c->regretted = NULL;
        return about_order(s, "CancelOrder", c->about);
    }
    if (roll < 10) return add_order(s, c);
    if (roll < 58) return move_order(s, c, false);
    if (roll < 68) return move_order(s, c, true);
    if (roll < 70) return add_note(s, c);
    if (roll < 81) return make_repair(s);
    if (roll < 86) return mend_order(s, c);
    if (roll < 92) return keep_shop(s);
    if (roll < 94) return make_name(s);
    if (roll < 95) return hold_once_more(s);
    return parse("%s", wrongs[chance(s, WRONGS)]);
}

/* Add, confirm and open in one frame. */
static json_t *
make_array(struct sim *s, struct client *c)
{
    json_t *array = json_array();
    json_array_append_new(array, add_order(s, c));
    json_array_append_new(array, parse("{'type':'ConfirmOrder','data':{'reference':'%s'}}", c->about->reference));
    json_array_append_new(array, parse("{'type':'OpenOrder','data':{'reference':'%s'}}", c->about->reference));
    return array;
}

/* ---- a command --------------------------------------------------------------------------------------------------------- */

bool
shop_is_open(const struct sim *s)
{
    return s->clients[0].set_up == SHOP * RESELLERS;
}

static void
put_envelope(struct sim *s, struct client *c, json_t *r, size_t n, unsigned reseller)
{
    char id[80];

    if (!json_is_object(r)) return;
    snprintf(id, sizeof id, n == 0 ? "%s" : "%s.%zu", c->id, n);
    json_object_set_new(r, "id", json_string(id));
    if (reseller > 0 && json_object_get(r, "reseller") == NULL)
        json_object_set_new(r, "reseller", json_string(resellers[reseller]));
    if (chance(s, 40) == 0) json_object_set_new(r, "on_behalf_of", json_string("Ana"));
    if (!shop_is_open(s) || strcmp(json_string_value(json_object_get(r, "type")), "Hello") == 0) return;
    if (chance(s, 40) == 0) json_object_set_new(r, "dry_run", json_true());
    if (chance(s, 40) == 0) json_object_set_new(r, "expect", json_integer((json_int_t)chance(s, 4)));
}

bool
make_chore(struct sim *s, struct client *c)
{
    json_t *r = chore_of(s);

    if (r == NULL) return false;
    c->about = NULL;
    c->patience_ms = 0;
    snprintf(c->id, sizeof c->id, "calm-%" PRIu64, s->counts.commands);
    json_object_set_new(r, "id", json_string(c->id));
    mp_writer_clear(&c->frame);
    pack(&c->frame, r);
    json_decref(r);
    return true;
}

void
make_command(struct sim *s, struct client *c)
{
    json_t  *r;
    unsigned reseller = (unsigned)chance(s, RESELLERS);

    c->about = NULL;
    c->patience_ms = 0;
    snprintf(c->id, sizeof c->id, "c%d-%" PRIu64, c->number, s->counts.commands);
    if (c->number == 0 && !shop_is_open(s)) {
        reseller = (unsigned)(c->set_up / SHOP);
        r = c->set_up % SHOP == 0 ? parse(shop[0], resellers[reseller]) : parse("%s", shop[c->set_up % SHOP]);
        if (c->set_up++ % SHOP == 0) reseller = 0;
    } else {
        if (c->old_count > OLD_FRAMES && befalls(s, FAULT_id_reused, 40))
            memcpy(c->id, c->old_ids[chance(s, OLD_FRAMES)], sizeof c->id);
        r = chance(s, 25) == 0 ? make_array(s, c) : make_any(s, c);
        if (c->about != NULL) reseller = c->about->reseller;
    }
    put_envelope(s, c, r, 0, reseller);
    for (size_t i = 0; json_is_array(r) && i < json_array_size(r); i++) put_envelope(s, c, json_array_get(r, i), i, reseller);
    mp_writer_clear(&c->frame);
    pack(&c->frame, r);
    json_decref(r);
    if (befalls(s, FAULT_garbage, 200)) {
        struct mail m = {.to = TO_ENGINE, .from = c->number, .life = c->life, .port = PD_port_commands};
        send_mail(s, m, (struct pd_text){c->frame.data, 1 + chance(s, c->frame.size)});
    }
}
