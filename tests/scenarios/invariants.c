#include "tests/scenarios/invariants.h"

#include <stdlib.h>

#include "clients/lib/json.h"
#include "tests/scenarios/runner.h"

static json_t *
look(struct runner *r, const struct pd_block *block, void *body, const char *reseller)
{
    struct request request = {.port = PD_port_queries};
    request.message = (struct pd_message){
        .envelope = {.id = PD_TEXT("q"), .reseller = pd_text(reseller), .has_limit = true, .limit = PD_PAGE_ROWS_MAX},
        .block = block, .body = body,
    };
    return pd_json_from_bytes(ask(r, &request), NULL);
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

/* An open or ended order's state is a function of its items' states and its goal. */
static const char *
state_by_items(json_t *order)
{
    size_t  i, n[PD_item_state_orphaned + 1] = {0};
    json_t *item, *items = json_object_get(order, "items");

    json_array_foreach(items, i, item) n[pd_enum_number(pd_enum_item_state(), pd_text(text_at(item, "state")))]++;
    size_t gone = n[PD_item_state_cancelled] + n[PD_item_state_orphaned], count = json_array_size(items);
    if (n[PD_item_state_waiting] == count) return NULL; /* not opened: any of those */
    if (n[PD_item_state_removing] > 0) return "cancelling";
    if (n[PD_item_state_cleanup_failed] > 0) return "cleanup_failed";
    if (n[PD_item_state_provisioning] > 0) return "provisioning";
    if (n[PD_item_state_failed] > 0) return "provisioning_failed";
    if (gone == count) return is_at(order, "state", "failed") ? "failed" : "cancelled";
    return gone == 0 || json_is_true(json_object_get(order, "partial")) ? "completed" : "";
}

static void
check_order(struct runner *r, json_t *order)
{
    const char *state = state_by_items(order);

    if (state == NULL ? is_at(order, "state", "draft") || is_at(order, "state", "new") || is_at(order, "state", "held")
                      : is_at(order, "state", state))
        return;
    char *text = json_dumps(order, JSON_COMPACT);
    fail(r, "an order that is not as its items are: %s", text);
    free(text);
}

static json_t *
subscription_numbered(json_t *subscriptions, json_t *number)
{
    size_t  i;
    json_t *s;

    json_array_foreach(subscriptions, i, s)
        if (number != NULL && json_equal(json_object_get(s, "subscription"), number)) return s;
    return NULL;
}

/* Who holds a name: items of confirmed orders that have not ended, and imported subscriptions. */
static json_t *
list_holders(json_t *orders, json_t *subscriptions)
{
    size_t  i, n;
    json_t *holders = json_array(), *order, *item, *s;

    json_array_foreach(orders, i, order)
        json_array_foreach(json_object_get(order, "items"), n, item)
        {
            json_t *had = subscription_numbered(subscriptions, json_object_get(item, "subscription"));
            bool    over = is_at(item, "state", "cancelled") || is_at(item, "state", "orphaned") ||
                        is_at(had, "status", "terminated");
            if (text_at(item, "domain")[0] == '\0' || is_at(order, "state", "draft") || over) continue;
            json_array_append_new(holders, json_pack("{ss ss ss ss}", "customer", text_at(order, "customer"), "domain",
                                                     text_at(item, "domain"), "category", text_at(item, "category"), "policy",
                                                     text_at(item, "domain_policy")));
        }
    json_array_foreach(subscriptions, i, s)
    {
        bool over = text_at(s, "domain")[0] == '\0' || is_at(s, "status", "terminated");
        if (json_object_get(s, "order") != NULL || over) continue;
        json_array_append_new(holders, json_pack("{ss ss ss ss}", "customer", text_at(s, "customer"), "domain",
                                                 text_at(s, "domain"), "category", text_at(s, "category"), "policy",
                                                 text_at(s, "domain_policy")));
    }
    return holders;
}

/* One customer to a name; one holder of it to a category of exclusive plans. */
static void
check_names(struct runner *r, json_t *orders, json_t *subscriptions)
{
    size_t  i, n;
    json_t *holders = list_holders(orders, subscriptions), *a, *b;

    json_array_foreach(holders, i, a)
        json_array_foreach(holders, n, b)
        {
            if (n <= i || !is_at(b, "domain", text_at(a, "domain"))) continue;
            bool both = is_at(a, "policy", "exclusive") && is_at(b, "policy", "exclusive");
            if (!is_at(b, "customer", text_at(a, "customer")) || (both && is_at(b, "category", text_at(a, "category"))))
                fail(r, "a name with two holders: %s", text_at(a, "domain"));
        }
    json_decref(holders);
}

/* A subscription is active or trial exactly when its item is completed and it has not ended, or while that is being undone. */
static void
check_activation(struct runner *r, json_t *item, json_t *subscriptions)
{
    json_t *number = json_object_get(item, "subscription"), *s = subscription_numbered(subscriptions, number);

    if (number == NULL) return;
    if (s == NULL) {
        fail(r, "subscription %" JSON_INTEGER_FORMAT " is missing", json_integer_value(number));
        return;
    }
    bool active = is_at(s, "status", "active") || is_at(s, "status", "trial");
    bool undone = is_at(item, "state", "removing") || is_at(item, "state", "cleanup_failed");
    bool done = is_at(item, "state", "completed");
    if (active ? !done && !undone : done && !is_at(s, "status", "terminated"))
        fail(r, "subscription %" JSON_INTEGER_FORMAT " is %s, its item %s", json_integer_value(number), text_at(s, "status"),
             text_at(item, "state"));
}

static void
check_reseller(struct runner *r, const char *reseller)
{
    struct pd_list_orders        all_orders = {0};
    struct pd_list_subscriptions all_subscriptions = {0};
    json_t *first = look(r, pd_block_list_orders(), &all_orders, reseller), *order, *item, *s;
    json_t *second = look(r, pd_block_list_subscriptions(), &all_subscriptions, reseller);
    json_t *orders = json_object_get(json_object_get(first, "data"), "orders");
    json_t *subscriptions = json_object_get(json_object_get(second, "data"), "subscriptions");
    size_t  i, n, opened = 0, imported = 0;

    json_array_foreach(orders, i, order)
    {
        check_order(r, order);
        json_array_foreach(json_object_get(order, "items"), n, item)
        {
            opened += json_object_get(item, "subscription") != NULL;
            check_activation(r, item, subscriptions);
        }
    }
    check_names(r, orders, subscriptions);
    json_array_foreach(subscriptions, i, s) imported += json_object_get(s, "order") == NULL;
    if (opened + imported != json_array_size(subscriptions))
        fail(r, "%zu items were opened, %zu imported, there are %zu subscriptions", opened, imported,
             json_array_size(subscriptions));
    json_decref(first);
    json_decref(second);
}

void
check_invariants(struct runner *r)
{
    struct pd_list_resellers all = {0};
    json_t *answer = look(r, pd_block_list_resellers(), &all, "default"), *reseller;
    size_t  i;

    json_array_foreach(json_object_get(json_object_get(answer, "data"), "resellers"), i, reseller)
        check_reseller(r, text_at(reseller, "reseller"));
    json_decref(answer);
}
