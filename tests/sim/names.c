/* names.c - what people do with the names of subscribers: a program that is run by hand takes one, moves it and lets it go, or
 * forgets to; somebody deletes one, or has it skip an event; and somebody asks what no follower would. */
#include <inttypes.h>

#include "tests/sim/host.h"

/* By hand, a name that nobody follows under; or a follower's own. */
struct by_hand {
    const char *reseller, *name;
    bool        all, followed;
};

static struct by_hand
choose(struct sim *s)
{
    if (chance(s, 3) > 0) return (struct by_hand){resellers[chance(s, RESELLERS)], "mano", chance(s, 4) == 0, false};
    const struct sim_subscriber *f = &s->subscribers[FIRST_NAMED + chance(s, SUBSCRIBERS - FIRST_NAMED)];
    bool                         all = strcmp(f->reseller, "~all") == 0;
    return (struct by_hand){all ? resellers[chance(s, RESELLERS)] : f->reseller, f->name, all, true};
}

static json_t *
about(const char *type, const struct by_hand *b)
{
    return parse("{'type':'%s','reseller':'%s','data':{'subscriber':'%s','all':%s}}", type, b->reseller, b->name,
                 b->all ? "true" : "false");
}

static json_t *
set(json_t *r, const char *key, json_t *value)
{
    json_object_set_new(json_object_get(r, "data"), key, value);
    return r;
}

static json_t *
position(struct sim *s, uint64_t most)
{
    return json_integer((json_int_t)(chance(s, 10) > 0 ? chance(s, most + 1) : 1000000));
}

static json_t *
name_person(struct sim *s)
{
    static const char *const people[] = {"Ana", "Bruno"};
    return json_string(people[chance(s, 2)]);
}

static json_t *
take_name(struct sim *s, const struct by_hand *b)
{
    json_t *r = set(about("AttachSubscriber", b), "holder", name_person(s));

    if (b->followed) s->counts.faults[FAULT_name_taken]++;
    if (b->followed) return set(r, "from", json_integer(1));
    return chance(s, 2) == 0 ? r : set(r, "from", position(s, 20));
}

/* Where others follow it only says that somebody is there. The log: this one, or the one that was. */
static json_t *
move_name(struct sim *s, const struct by_hand *b)
{
    const struct host *h = s->host;
    json_t            *r = set(about("MoveSubscriber", b), "holder", name_person(s));

    set(r, "log", json_string(h->logs[chance(s, 8) == 0]));
    return set(r, "position", b->followed ? json_integer(0) : position(s, model_last(s->model) / 2));
}

static json_t *
skip_event(struct sim *s, const struct by_hand *b)
{
    json_t *r = set(about("SkipEvent", b), "position", position(s, model_last(s->model) / 2));
    return chance(s, 2) == 0 ? r : set(r, "reason", json_string("no cabe"));
}

json_t *
make_name(struct sim *s)
{
    struct by_hand b = choose(s);
    uint64_t       roll = chance(s, 20);

    if (roll < (b.followed ? 2 : 6)) return take_name(s, &b);
    if (roll < (b.followed ? 4 : 11)) return move_name(s, &b);
    if (roll < (b.followed ? 5 : 13)) return set(about("DetachSubscriber", &b), "holder", name_person(s));
    if (roll < (b.followed ? 19 : 16)) return about("DeleteSubscriber", &b); /* mostly it is held */
    return skip_event(s, &b);
}
