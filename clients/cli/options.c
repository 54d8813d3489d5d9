/* options.c - the options of a verb: the common ones, its own, and the fields of its message that are not arguments. */
#include "clients/cli/cli.h"

#include <stdio.h>

#include "proto/check.h"

static const struct {
    const char      *name;
    enum option_kind kind;
    const char      *value, *about;
} common[] = {
    {"json", OPTION_FLAG, "", N_("Print one compact JSON object a line; of a list every row.")},
    {"endpoint", OPTION_VALUE, "ENDPOINT",
     N_("The engine's commands port; else $PEDIDO_ENDPOINT, the context's, or tcp://127.0.0.1:7411.")},
    {"identity", OPTION_VALUE, "FILE",
     N_("Your own key pair, where the engine asks for one; else $PEDIDO_IDENTITY, or the context's.")},
    {"server-key", OPTION_VALUE, "KEY",
     N_("The engine's public key, or a file that has it; else $PEDIDO_SERVER_KEY, or the context's.")},
    {"reseller", OPTION_VALUE, "ID", N_("Whose things; else $PEDIDO_RESELLER, the context's, or default.")},
    {"context", OPTION_VALUE, "NAME", N_("Endpoint and reseller of this context; else $PEDIDO_CONTEXT, or the one in use.")},
    {"timeout", OPTION_VALUE, "SECONDS",
     N_("Wait this long for an answer, then send the same again, twice at most; 5 when absent.")},
    {"id", OPTION_VALUE, "TEXT", N_("The command's id; a new one when absent. The same id again does nothing twice.")},
    {"dry-run", OPTION_FLAG, "", N_("Answer as the command would; change nothing.")},
    {"expect", OPTION_VALUE, "N", N_("Refuse unless the order, plan or customer has this version.")},
    {"on-behalf-of", OPTION_VALUE, "TEXT", N_("The person for whom this is done; kept with the events.")},
    {"limit", OPTION_VALUE, "N", N_("Lists: at most this many rows.")},
    {"sort", OPTION_VALUE, "ORDER", N_("Lists: oldest, newest, changed (orders) or expiring (subscriptions) first.")},
    {"lang", OPTION_VALUE, "LANG", N_("Speak English (en) or Spanish (es); else what LC_ALL, LC_MESSAGES or LANG says.")},
    {"help", OPTION_FLAG, "", N_("Say what there is: pedido --help, pedido order --help, pedido order add --help.")},
    {"version", OPTION_FLAG, "", N_("Print the version.")},
};

bool
options_argument(const char *arguments, size_t i, char *ret_name, size_t size, bool *ret_optional)
{
    const char *p = arguments == NULL ? "" : arguments;
    for (;; i--) {
        p += strspn(p, " ");
        size_t length = strcspn(p, " ");
        if (length == 0) return false;
        if (i == 0) {
            *ret_optional = *p == '[';
            if (*ret_optional) snprintf(ret_name, size, "%.*s", (int)length - 2, p + 1);
            else snprintf(ret_name, size, "%.*s", (int)length, p);
            return true;
        }
        p += length;
    }
}

bool
options_has_argument(const struct verb *verb, const char *field)
{
    char name[40];
    bool optional;
    for (size_t i = 0; options_argument(verb->arguments, i, name, sizeof name, &optional); i++)
        if (!optional && strcmp(name, field) == 0) return true;
    return false;
}

static struct option *
add(struct option_list *list)
{
    PD_CHECK(list->count < sizeof list->options / sizeof list->options[0]);
    struct option *o = &list->options[list->count++];
    memset(o, 0, sizeof *o);
    return o;
}

/* `setup_fee` becomes --setup-fee FEE. A map's pairs are given one by one. */
static void
add_field(struct option_list *list, const struct pd_field *f, bool element)
{
    bool           map = f->kind == PD_KIND_MAP, amount = f->kind == PD_KIND_UINT && strcmp(f->type->name, "amount") == 0;
    struct option *o = add(list);
    snprintf(o->name, sizeof o->name, "%s", map && strcmp(f->name, "parameters") == 0 ? "param" : f->name);
    for (char *p = o->name; *p != '\0'; p++)
        if (*p == '_') *p = '-';
    snprintf(o->value, sizeof o->value, "%s",
             map                                                    ? "KEY=VALUE"
             : f->kind == PD_KIND_LIST || f->kind == PD_KIND_STRUCT ? "JSON"
                                                                    : f->name);
    for (char *p = o->value; *p != '\0'; p++) *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    o->kind = f->kind == PD_KIND_FLAG ? OPTION_EITHER : OPTION_VALUE;
    o->about = f->description;
    o->field = f;
    o->element = element;
    if (amount) {
        struct option *minor = add(list);
        *minor = *o;
        minor->minor = true;
        strncat(minor->name, "-minor", sizeof minor->name - strlen(minor->name) - 1);
        snprintf(minor->value, sizeof minor->value, "N");
        minor->about = N_("The same in the currency's minor unit.");
    }
    if (f->kind == PD_KIND_FLAG) {
        struct option *no = add(list);
        *no = *o;
        no->negated = true;
        no->kind = OPTION_FLAG;
        snprintf(no->name, sizeof no->name, "no-%.30s", o->name);
        o->value[0] = no->value[0] = '\0';
    }
}

static void
add_fields(struct option_list *list, const struct verb *verb, const struct pd_block *block)
{
    /* An order is addressed by its argument, as 17 or ref:ABC. */
    bool addressed = pd_block_field(block, PD_TEXT("order")) != NULL;
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        if (options_has_argument(verb, f->name) || (addressed && strcmp(f->name, "reference") == 0)) continue;
        add_field(list, f, false);
        if (f->kind != PD_KIND_LIST) continue;
        const struct pd_block *element = f->block();
        for (size_t j = 0; j < element->field_count; j++) add_field(list, &element->fields[j], true);
    }
}

void
options_collect(const struct verb *verb, struct option_list *ret_list)
{
    ret_list->count = 0;
    if (verb != NULL && verb->block != NULL) add_fields(ret_list, verb, verb->block());
    for (const struct option *o = verb == NULL ? NULL : verb->options; o != NULL && o->name[0] != '\0'; o++)
        *add(ret_list) = *o;
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
        struct option *o = add(ret_list);
        snprintf(o->name, sizeof o->name, "%s", common[i].name);
        snprintf(o->value, sizeof o->value, "%s", common[i].value);
        o->kind = common[i].kind;
        o->about = common[i].about;
        o->common = true;
    }
}

const struct option *
options_find(const struct option_list *list, const char *name, size_t size)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *own = list->options[i].name;
        size_t      n = 0;
        while (n < size && own[n] != '\0' && (own[n] == name[n] || (own[n] == '-' && name[n] == '_'))) n++;
        if (n == size && own[n] == '\0') return &list->options[i];
    }
    return NULL;
}
