#include "tests/scenarios/invariants.h"

#include <stdlib.h>

#include "clients/lib/json.h"
#include "tests/scenarios/runner.h"

static json_t *
ask(struct runner *r, const struct pd_block *block, void *body, const char *reseller)
{
    struct request request = {.port = PD_port_queries};
    request.message = (struct pd_message){
        .envelope = {.id = PD_TEXT("q"), .reseller = pd_text(reseller), .has_limit = true, .limit = PD_PAGE_ROWS_MAX},
        .block = block, .body = body,
    };
    return pd_json_from_bytes(queries_answer(r->queries, &request), NULL);
}

static const char *
text_at(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static bool
is_at(json_t *object, const char *key, const char *wanted)
{
    return strcmp(text_at(object, key), wanted) == 0;
}

/* An open or ended order's state is a function of its items' states. */
static void
check_order(struct runner *r, json_t *order)
{
    size_t  i, count = json_array_size(json_object_get(order, "items")), waiting = 0, open = 0, done = 0, failed = 0, cancelled = 0;
    json_t *item;

    json_array_foreach(json_object_get(order, "items"), i, item)
    {
        waiting += is_at(item, "state", "waiting");
        open += is_at(item, "state", "provisioning");
        done += is_at(item, "state", "completed");
        failed += is_at(item, "state", "failed");
        cancelled += is_at(item, "state", "cancelled");
    }
    const char *state = open > 0             ? "provisioning"
                        : failed > 0         ? "provisioning_failed"
                        : done == count      ? "completed"
                        : cancelled == count ? "cancelled"
                                             : "";
    if (is_at(order, "state", state) || (waiting == count && state[0] == '\0')) return;
    char *text = json_dumps(order, JSON_COMPACT);
    fail(r, "an order that is not as its items are: %s", text);
    free(text);
}

/* One customer to a name; one holder of it to a category of exclusive plans. */
static void
check_names(struct runner *r, json_t *order, json_t *item, json_t *orders)
{
    size_t  i, n;
    json_t *other, *with;

    if (text_at(item, "domain")[0] == '\0' || is_at(order, "state", "draft") || is_at(order, "state", "cancelled")) return;
    json_array_foreach(orders, i, other)
    {
        if (is_at(other, "state", "draft") || is_at(other, "state", "cancelled")) continue;
        json_array_foreach(json_object_get(other, "items"), n, with)
        {
            if (with == item || !is_at(with, "domain", text_at(item, "domain"))) continue;
            bool both = is_at(with, "domain_policy", "exclusive") && is_at(item, "domain_policy", "exclusive");
            if (!is_at(other, "customer", text_at(order, "customer")) ||
                (both && is_at(with, "category", text_at(item, "category"))))
                fail(r, "a name with two holders: %s", text_at(item, "domain"));
        }
    }
}

/* A subscription is active or trial exactly when its item is completed. */
static void
check_activation(struct runner *r, json_t *item, json_t *subscriptions)
{
    size_t  i;
    json_t *s, *number = json_object_get(item, "subscription");
    bool    found = number == NULL;

    json_array_foreach(subscriptions, i, s)
    {
        if (number == NULL || !json_equal(json_object_get(s, "subscription"), number)) continue;
        bool active = is_at(s, "status", "active") || is_at(s, "status", "trial");
        found = true;
        if (active != is_at(item, "state", "completed"))
            fail(r, "subscription %" JSON_INTEGER_FORMAT " is %s, its item %s", json_integer_value(number),
                 text_at(s, "status"), text_at(item, "state"));
    }
    if (!found) fail(r, "subscription %" JSON_INTEGER_FORMAT " is missing", json_integer_value(number));
}

static void
check_reseller(struct runner *r, const char *reseller)
{
    struct pd_list_orders        all_orders = {0};
    struct pd_list_subscriptions all_subscriptions = {0};
    json_t *first = ask(r, pd_block_list_orders(), &all_orders, reseller), *order, *item;
    json_t *second = ask(r, pd_block_list_subscriptions(), &all_subscriptions, reseller);
    json_t *orders = json_object_get(json_object_get(first, "data"), "orders");
    json_t *subscriptions = json_object_get(json_object_get(second, "data"), "subscriptions");
    size_t  i, n, opened = 0;

    json_array_foreach(orders, i, order)
    {
        check_order(r, order);
        json_array_foreach(json_object_get(order, "items"), n, item)
        {
            opened += json_object_get(item, "subscription") != NULL;
            check_names(r, order, item, orders);
            check_activation(r, item, subscriptions);
        }
    }
    if (opened != json_array_size(subscriptions))
        fail(r, "%zu items were opened, there are %zu subscriptions", opened, json_array_size(subscriptions));
    json_decref(first);
    json_decref(second);
}

void
check_invariants(struct runner *r)
{
    struct pd_list_resellers all = {0};
    json_t *answer = ask(r, pd_block_list_resellers(), &all, "default"), *reseller;
    size_t  i;

    json_array_foreach(json_object_get(json_object_get(answer, "data"), "resellers"), i, reseller)
        check_reseller(r, text_at(reseller, "reseller"));
    json_decref(answer);
}
