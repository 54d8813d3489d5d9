/* review.c - the review sheet: an order as somebody checks it before saying yes, and looks at it afterwards. */
#include "clients/cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/show/format.h"
#include "clients/cli/show/money.h"
#include "clients/cli/show/terminal.h"
#include "clients/cli/show/text.h"

enum { LABEL = 16, INDENT = 4 };

static enum tone
tone_of(const char *state)
{
    static const struct {
        const char *state;
        enum tone   tone;
    } tones[] = {
        {"completed", TONE_GOOD}, {"provisioning_failed", TONE_BAD}, {"failed", TONE_BAD}, {"held", TONE_WAITING},
        {"provisioning", TONE_WAITING}, {"cancelled", TONE_QUIET},
    };
    for (size_t i = 0; i < sizeof tones / sizeof tones[0]; i++)
        if (state != NULL && strcmp(tones[i].state, state) == 0) return tones[i].tone;
    return TONE_STRONG;
}

static void
show_state(const struct pd_enum *states, const char *state)
{
    int number = state == NULL ? 0 : pd_enum_number(states, pd_text(state));
    terminal_tone(stdout, tone_of(state));
    const struct pd_value *v = number == 0 ? NULL : &states->values[number - 1];
    if (v != NULL) fputs(lang_pick(v->english, v->spanish), stdout);
    else if (state != NULL) text_print(stdout, state, 0, TEXT_LEFT);
    terminal_tone(stdout, TONE_PLAIN);
}

/* A field of the block with its label, where the object has it. */
static void
show_field(const struct pd_block *block, const char *name, const json_t *object, const char *currency, int indent)
{
    const struct pd_field *f = pd_block_field(block, pd_text(name));
    char                   label[48];

    if (f == NULL || json_object_get(object, name) == NULL) return;
    char *value = format_field(f, object, currency);
    format_label(name, label, sizeof label);
    printf("%*s", indent, "");
    text_print(stdout, label, LABEL, TEXT_LEFT);
    putchar(' ');
    text_print(stdout, value, 0, TEXT_LEFT);
    putchar('\n');
    free(value);
}

/* Both spellings, since one is for the eye and the other for whoever compares. */
static void
show_domain(const json_t *item)
{
    const char *ascii = json_string_value(json_object_get(item, "domain")),
               *unicode = json_string_value(json_object_get(item, "domain_unicode"));
    if (ascii == NULL) return;
    printf("%*s", INDENT, "");
    text_print(stdout, unicode == NULL ? ascii : unicode, 0, TEXT_LEFT);
    if (unicode != NULL && strcmp(unicode, ascii) != 0) {
        fputs(" (", stdout);
        text_print(stdout, ascii, 0, TEXT_LEFT);
        putchar(')');
    }
    putchar('\n');
}

/* "3 x 9.90 EUR = 29.70 EUR"; a single one is its price. */
static void
show_fee(const json_t *item, const char *name, const char *currency)
{
    int64_t  fee = json_integer_value(json_object_get(item, name)),
            quantity = json_integer_value(json_object_get(item, "quantity"));
    int64_t  product;
    char     one[MONEY_TEXT_SIZE], all[MONEY_TEXT_SIZE], label[48];

    format_label(name, label, sizeof label);
    printf("%*s", INDENT, "");
    text_print(stdout, label, LABEL, TEXT_LEFT);
    money_to_text(fee, currency, one);
    /* A renewal fee is in no total: nobody has asked whether so many of it fit. */
    if (quantity <= 1 || __builtin_mul_overflow(fee, quantity, &product)) {
        printf(" %s\n", one);
        return;
    }
    money_to_text(product, currency, all);
    printf(" %" PRId64 " x %s = %s\n", quantity, one, all);
}

/* How far an item has come; of one that is done only what stays true. */
static void
show_progress(const json_t *item)
{
    static const char *const fields[] = {"subscription", "attempt", "worker"};
    static const char *const open_fields[] = {"progress", "message", "deadline"};
    const struct pd_block   *block = pd_block_order_item();
    const char              *state = json_string_value(json_object_get(item, "state"));

    printf("%*s", INDENT, "");
    show_state(pd_enum_item_state(), state);
    putchar('\n');
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) show_field(block, fields[i], item, NULL, INDENT);
    if (state != NULL && strcmp(state, "orphaned") == 0) show_field(block, "instance", item, NULL, INDENT);
    if (state != NULL && strcmp(state, "completed") == 0) return;
    for (size_t i = 0; i < sizeof open_fields / sizeof open_fields[0]; i++) show_field(block, open_fields[i], item, NULL, INDENT);
}

static void
show_item(const json_t *item, const char *currency, bool opened)
{
    const char *plan = json_string_value(json_object_get(item, "plan")),
               *name = json_string_value(json_object_get(item, "plan_name")),
               *period = json_string_value(json_object_get(item, "period"));
    char       *words = format_period(period);
    int64_t     setup = json_integer_value(json_object_get(item, "setup_fee")),
            recurring = json_integer_value(json_object_get(item, "recurring_fee")),
            renewal = json_integer_value(json_object_get(item, "renewal_fee"));

    printf("\n%2" PRId64 "  ", (int64_t)json_integer_value(json_object_get(item, "item")));
    terminal_tone(stdout, TONE_STRONG);
    text_print(stdout, name == NULL ? "" : name, 0, TEXT_LEFT);
    terminal_tone(stdout, TONE_PLAIN);
    fputs(" (", stdout);
    text_print(stdout, plan == NULL ? "" : plan, 0, TEXT_LEFT);
    fputs("), ", stdout);
    text_print(stdout, words, 0, TEXT_LEFT);
    if (json_is_true(json_object_get(item, "trial"))) printf(", %s", _("trial"));
    putchar('\n');
    free(words);
    show_domain(item);
    if (setup > 0) show_fee(item, "setup_fee", currency);
    show_fee(item, "recurring_fee", currency);
    if (renewal != recurring) show_fee(item, "renewal_fee", currency);
    if (json_object_size(json_object_get(item, "parameters")) > 0)
        show_field(pd_block_order_item(), "parameters", item, currency, INDENT);
    if (opened) show_progress(item);
}

void
review_head(const json_t *order)
{
    terminal_tone(stdout, TONE_STRONG);
    if (json_object_get(order, "order") != NULL)
        printf(_("Order %llu"), (unsigned long long)json_integer_value(json_object_get(order, "order")));
    else fputs(_("Order"), stdout);
    terminal_tone(stdout, TONE_PLAIN);
    fputs("   ", stdout);
    show_state(pd_enum_order_state(), json_string_value(json_object_get(order, "state")));
    putchar('\n');
}

void
review_show(const json_t *order)
{
    static const char *const head[] = {"customer", "reference", "reason", "created", "actor", "on_behalf_of"};
    const struct pd_block   *block = pd_block_order();
    const char              *currency = json_string_value(json_object_get(order, "currency")),
               *state = json_string_value(json_object_get(order, "state"));
    json_t *item;
    size_t  i;
    char    total[MONEY_TEXT_SIZE], label[48];
    bool    opened = state != NULL && strcmp(state, "draft") != 0 && strcmp(state, "new") != 0;

    review_head(order);
    for (i = 0; i < sizeof head / sizeof head[0]; i++) show_field(block, head[i], order, currency, 0);
    json_array_foreach (json_object_get(order, "items"), i, item) show_item(item, currency, opened);
    putchar('\n');
    if (json_integer_value(json_object_get(order, "setup_total")) > 0) {
        show_field(block, "setup_total", order, currency, 0);
        show_field(block, "recurring_total", order, currency, 0);
    }
    format_label("total", label, sizeof label);
    text_print(stdout, label, LABEL, TEXT_LEFT);
    money_to_text(json_integer_value(json_object_get(order, "total")), currency, total);
    terminal_tone(stdout, TONE_STRONG);
    printf(" %s\n", total);
    terminal_tone(stdout, TONE_PLAIN);
}
