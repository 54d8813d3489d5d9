/* drive.c - what is recorded: a shop that is open for a while, is closed, falls over, and opens again. */
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "engine/backup.h"
#include "proto/check.h"
#include "tests/crash/shop.h"
#include "tests/crash/story.h"

struct drive {
    struct shop shop;
    const char *data;
    struct dice dice;
    char        letter;                 /* its ids and references begin with it */
    unsigned    commands, orders, size; /* size: of orders and notes */
    /* Rows are written beside the turns: who gives way to whom, and when, is the dice's. */
    ucontext_t  turns, rows;
    bool        in_rows, rows_open, in_haste; /* open: begun and not done; in haste: it is waited for */
    char        stack[1 << 20];
    /* A backup, made beside the turns as well. */
    struct backup *backup; /* under way */
    char        backup_dir[300], restored_dir[300]; /* "": there is none */
    unsigned    backup_at; /* begun in this turn */
};

/* The log's id is made of these: the same seed, the same bytes. */
static struct dice random_dice;

static const char *
random_name(void)
{
    return "dice";
}

static uint32_t
random_number(void)
{
    return (uint32_t)dice_roll(&random_dice, UINT64_C(1) << 32);
}

static void
random_fill(void *buffer, size_t size)
{
    for (size_t i = 0; i < size; i++) ((uint8_t *)buffer)[i] = (uint8_t)dice_roll(&random_dice, 256);
}

static void
seed_random(uint64_t seed)
{
    static randombytes_implementation dice = {.implementation_name = random_name, .random = random_number, .buf = random_fill};
    random_dice.state = seed;
    PD_CHECK(randombytes_set_implementation(&dice) == 0);
}

/* ---- rows beside turns --------------------------------------------------------------------------------------------- */

/* The daemon has threads for this, which no seed could tell when to wait. */
static struct drive *driven;

static void
change_over(struct drive *d)
{
    d->in_rows = !d->in_rows;
    if (d->in_rows) swapcontext(&d->turns, &d->rows);
    else swapcontext(&d->rows, &d->turns);
}

static void
pause_here(void)
{
    if (driven->rows_open && !driven->in_haste && dice_roll(&driven->dice, 3) == 0) change_over(driven);
}

static void
write_rows(void)
{
    PD_CHECK(shop_write_rows(&driven->shop) == STORE_OK);
    driven->rows_open = driven->in_rows = false;
}

static void
begin_rows(struct drive *d)
{
    PD_CHECK(getcontext(&d->rows) == 0);
    d->rows.uc_stack.ss_sp = d->stack;
    d->rows.uc_stack.ss_size = sizeof d->stack;
    d->rows.uc_link = &d->turns;
    makecontext(&d->rows, write_rows, 0);
    d->rows_open = true;
    change_over(d);
}

static void
finish_rows(struct drive *d)
{
    d->in_haste = true;
    if (d->rows_open) change_over(d);
    d->in_haste = false;
}

/* ---- what is asked ------------------------------------------------------------------------------------------------- */

static const char *const furniture[] = {
    "{'id':'f1','type':'PutCustomer','data':{'customer':'ana','name':'Panadería López'}}",
    "{'id':'f2','type':'PutPlan','data':{'plan':'web','name':'Hosting estándar','category':'hosting','published':true,"
    "'domain':'none','provisioning':'none'}}",
    "{'id':'f3','type':'PutPlan','data':{'plan':'box','name':'Servidor','category':'vps','published':true,'domain':'none'}}",
    "{'id':'f4','type':'PutPeriod','data':{'plan':'web','period':'1y','enabled':true,'setup_fee':0,'recurring_fee':9900,"
    "'currency':'EUR'}}",
    "{'id':'f5','type':'PutPeriod','data':{'plan':'box','period':'1m','enabled':true,'setup_fee':500,'recurring_fee':1900,"
    "'currency':'EUR'}}",
};

static struct pd_text __attribute__((format(printf, 2, 3)))
ask(struct drive *d, const char *format, ...)
{
    static char text[16384];
    va_list     args;

    int size = snprintf(text, sizeof text, "{'id':'%c%u',", d->letter, d->commands++);
    va_start(args, format);
    size += vsnprintf(text + size, sizeof text - (size_t)size, format, args);
    va_end(args);
    PD_CHECK((size_t)size < sizeof text);
    return shop_command(&d->shop, text);
}

static struct pd_text
ask_order(struct drive *d)
{
    static char items[8192];
    size_t      size = 0;
    uint64_t    count = 1 + dice_roll(&d->dice, d->size > 32 ? 32 : d->size);

    for (uint64_t i = 0; i < count; i++)
        size += (size_t)snprintf(items + size, sizeof items - size, "%s{'plan':'%s','period':'%s'}", i > 0 ? "," : "",
                                 i % 2 == 0 ? "web" : "box", i % 2 == 0 ? "1y" : "1m");
    return ask(d, "'type':'AddOrder','data':{'customer':'ana','reference':'%c%u','items':[%s]}}", d->letter, ++d->orders, items);
}

static struct pd_text
ask_note(struct drive *d, uint64_t order)
{
    static char note[2001];
    uint64_t    size = 1 + dice_roll(&d->dice, d->size * 60 < 2000 ? d->size * 60 : 2000);

    for (uint64_t i = 0; i < size; i++) note[i] = (char)('a' + dice_roll(&d->dice, 26));
    note[size] = '\0';
    return ask(d, "'type':'AddNote','data':{'reference':'%c%" PRIu64 "','text':'%s'}}", d->letter, order, note);
}

/* Something that a shop asks; some of it is refused, as in life. */
static struct pd_text
ask_something(struct drive *d)
{
    uint64_t what = dice_roll(&d->dice, 10), order = d->orders == 0 ? 1 : 1 + dice_roll(&d->dice, d->orders);
    uint64_t recent = d->orders > 4 && dice_roll(&d->dice, 4) > 0 ? d->orders - dice_roll(&d->dice, 4) : order;

    if (what < 3 || d->orders == 0) return ask_order(d);
    if (what < 5) return ask(d, "'type':'ConfirmOrder','data':{'reference':'%c%" PRIu64 "'}}", d->letter, recent);
    if (what < 7) return ask(d, "'type':'OpenOrder','data':{'reference':'%c%" PRIu64 "'}}", d->letter, recent);
    if (what < 8) return ask(d, "'type':'CancelOrder','data':{'reference':'%c%" PRIu64 "'}}", d->letter, order);
    if (what < 9) return ask_note(d, order);
    return ask(d, "'type':'PutCustomer','data':{'customer':'c%" PRIu64 "','name':'Cliente %u'}}", dice_roll(&d->dice, 20),
               d->commands);
}

/* ---- what is said -------------------------------------------------------------------------------------------------- */

/* The events of the turn that was committed last are on stable storage, says the engine. */
static void
say_events(struct drive *d)
{
    size_t                 count;
    const struct appended *events = engine_appended(d->shop.engine, &count);
    for (size_t i = 0; i < count; i++) recorder_say(TRACE_EVENT, events[i].record.header.position, events[i].bytes, events[i].size);
}

static void
run_turn(struct drive *d, const struct pd_text *commands, size_t count)
{
    struct pd_text answers[SHOP_TURN_MAX];

    PD_CHECK(shop_turn(&d->shop, commands, count, answers) == STORE_OK);
    say_events(d);
    for (size_t i = 0; i < count; i++) {
        /* Refusals are remembered by a process only. */
        if (memmem(answers[i].data, answers[i].size, "\xa2ok\xc3", 4) == NULL) continue;
        recorder_say(TRACE_ASKED, 0, commands[i].data, commands[i].size);
        recorder_say(TRACE_ANSWER, 0, answers[i].data, answers[i].size);
    }
    pd_arena_reset(&d->shop.arena);
}

static void
open_shop(struct drive *d)
{
    uint64_t clock_ms = d->shop.clock_ms;

    PD_CHECK(shop_open_books(&d->shop, d->data) == STORE_OK);
    d->shop.clock_ms = clock_ms;
    PD_CHECK(shop_open_engine(&d->shop) == STORE_OK);
    say_events(d);
}

/* In order: no row is left unwritten. Or a process that is killed: some are. */
static void
close_shop(struct drive *d, bool in_order)
{
    for (int i = 0; i < 2 && in_order; i++) {
        finish_rows(d);
        run_turn(d, NULL, 0);
        if (d->shop.rows_left && !d->rows_open) begin_rows(d);
    }
    finish_rows(d);
    shop_close(&d->shop);
}

/* ---- a backup -------------------------------------------------------------------------------------------------------- */

/* The next piece of it. */
static void
go_on_with_backup(struct drive *d, enum trace_kind said)
{
    if (backup_step(d->backup)) return;
    struct backup_progress p = backup_progress(d->backup);
    PD_CHECK(p.phase == BACKUP_DONE);
    recorder_say(said, p.of, NULL, 0);
    backup_close(&d->backup);
}

static void
back_up(struct drive *d, unsigned t)
{
    if (d->backup_dir[0] != '\0' && t == d->backup_at) d->backup = backup_open(d->shop.books.log, d->backup_dir);
    else if (d->backup != NULL && dice_roll(&d->dice, 2) == 0) go_on_with_backup(d, TRACE_BACKED_UP);
}

/* When the shop is closed. */
static void
restore(struct drive *d)
{
    if (d->backup_dir[0] == '\0') return;
    d->backup = backup_restore(d->backup_dir, d->restored_dir);
    while (d->backup != NULL) go_on_with_backup(d, TRACE_RESTORED);
}

void
drive(const char *data, uint64_t seed, unsigned turns, char letter, const char *root)
{
    static struct drive d;
    struct pd_text      commands[SHOP_TURN_MAX];

    d = (struct drive){.data = data, .letter = letter, .dice = {seed}, .size = seed % 4 == 0 ? 64 : 4};
    if (root != NULL) {
        snprintf(d.backup_dir, sizeof d.backup_dir, "%s/backup", root);
        snprintf(d.restored_dir, sizeof d.restored_dir, "%s/restored", root);
        d.backup_at = turns / 2;
    }
    driven = &d;
    seed_random(seed);
    recorder_pause_by(pause_here);
    open_shop(&d);
    for (size_t i = 0; i < sizeof furniture / sizeof furniture[0]; i++) {
        commands[0] = shop_command(&d.shop, furniture[i]);
        run_turn(&d, commands, 1);
    }
    for (unsigned t = 0; t < turns; t++) {
        size_t count = 1 + dice_roll(&d.dice, d.size < SHOP_TURN_MAX ? d.size : SHOP_TURN_MAX);
        for (size_t i = 0; i < count; i++) commands[i] = ask_something(&d);
        run_turn(&d, commands, count);
        if (d.shop.rows_left && !d.rows_open && dice_roll(&d.dice, 3) > 0) begin_rows(&d);
        back_up(&d, t);
        if (dice_roll(&d.dice, 40) > 0 || d.backup != NULL) continue;
        close_shop(&d, dice_roll(&d.dice, 2) == 0);
        open_shop(&d);
    }
    while (d.backup != NULL) go_on_with_backup(&d, TRACE_BACKED_UP);
    close_shop(&d, true);
    restore(&d);
}
