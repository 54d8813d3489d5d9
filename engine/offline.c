#include "engine/offline.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/backup.h"
#include "engine/base/clock.h"
#include "engine/data.h"
#include "engine/store/inspect.h"
#include "engine/upkeep.h"
#include "engine/views/verify.h"

static void
show_progress(void *arg, const char *what, uint64_t done, uint64_t of)
{
    static uint64_t said_ms;
    uint64_t        now_ms = clock_now().monotonic_ms;

    (void)arg;
    if (done < of && now_ms < said_ms + 500) return;
    said_ms = now_ms;
    bool terminal = isatty(STDERR_FILENO);
    fprintf(stderr, "%s%s: %" PRIu64 " of %" PRIu64 " events%s", terminal ? "\r" : "", what, done, of,
            terminal && done < of ? "" : "\n");
}

static void
tell_damage(void *arg, const char *what)
{
    printf("not well: %s: %s\n", (const char *)arg, what);
}

/* Page by page, before LMDB reads what it would trust. */
static bool
inspect(const struct options *options)
{
    static char *const names[] = {"books", "rows", "views-a", "views-b"};
    char               path[4200];
    struct inspected   found;
    bool               ok = true;

    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", options->data, names[i]);
        enum store_error error = inspect_store(path, 0, tell_damage, names[i], &found);
        if (error == STORE_OK && found.taken_back) {
            tell_damage(names[i], "the last commit was taken back, or its number has changed; a start goes on from the one before");
            ok = false;
        }
        if (error == STORE_EXISTS_NOT && i >= 2) continue; /* one of them serves at most, or none */
        if (error == STORE_EXISTS_NOT)
            tell_damage(names[i], i == 0 ? "there are none" : "there are none; a start folds them again");
        if (error == STORE_FAILED) tell_damage(names[i], strerror(errno));
        ok = ok && error == STORE_OK;
    }
    return ok;
}

/* STORE_DAMAGED with what is wrong. Views that are behind, or not there, are no harm. */
static enum store_error
verify_views(const struct options *options, const struct books *books, const char *scratch, char what[256], bool *ret_viewed)
{
    uint64_t         position;
    enum store_error error = views_verify(options->data, books, scratch, show_progress, NULL, &position, what);

    *ret_viewed = error == STORE_OK;
    if (error == STORE_NONE && position > 0) printf("views are behind, at %" PRIu64 "; they were not compared\n", position);
    if (error == STORE_DAMAGED && what[0] == '\0') snprintf(what, 256, "views: a checksum does not fit");
    if (error == STORE_NONE) return STORE_OK;
    return error == STORE_OK && what[0] != '\0' ? STORE_DAMAGED : error;
}

/* Whether the log has the event that was noted as its head then. */
static bool
has_head(const struct options *options, struct books *books)
{
    unsigned             digit;
    char                *chain;
    uint64_t             position = strtoull(options->head, &chain, 10);
    struct store_reader *reader = NULL;
    struct pd_text       bytes;
    struct record        r;
    struct pd_arena      arena;

    if (strlen(chain) != 1 + 2 * PD_CHAIN_BYTES || *chain != ':' || strspn(chain + 1, "0123456789abcdef") != 2 * PD_CHAIN_BYTES) {
        printf("not well: --head %s: POSITION:HEX is expected, with %d digits behind the colon\n", options->head,
               2 * PD_CHAIN_BYTES);
        return false;
    }
    if (position == 0 || position > store_last(books->log)) {
        printf("not well: the log ends at %" PRIu64 ", before the head that was noted\n", store_last(books->log));
        return false;
    }
    pd_arena_init(&arena);
    enum store_error error = store_reader_open(books->log, &reader);
    bool read = error == STORE_OK && store_read_record(reader, position, &arena, &bytes) == STORE_OK && record_read(bytes, &r);
    bool same = read;
    for (size_t i = 0; i < PD_CHAIN_BYTES && same; i++)
        same = sscanf(chain + 1 + 2 * i, "%2x", &digit) == 1 && digit == r.chain[i];
    if (!same)
        printf("not well: event %" PRIu64 " %s\n", position,
               read ? "is not the one that was noted: something up to it is not what it was" : "cannot be read");
    store_reader_close(&reader);
    pd_arena_fini(&arena);
    return same;
}

static int
verify(const struct options *options, struct books *books)
{
    char        what[256], scratch[512];
    const char *temporary = getenv("TMPDIR");

    if (options->head[0] != '\0' && !has_head(options, books)) return EXIT_FAILURE;
    if (temporary == NULL || strlen(temporary) > 400) temporary = "/tmp";
    snprintf(scratch, sizeof scratch, "%s/pedidod-verify-XXXXXX", temporary);
    if (mkdtemp(scratch) == NULL) {
        printf("not well: the check could not be done: %s: %s\n", scratch, strerror(errno));
        return EXIT_FAILURE;
    }
    enum store_error error = upkeep_verify(books, scratch, show_progress, NULL, what);
    bool viewed = false;
    if (error == STORE_OK) error = verify_views(options, books, scratch, what, &viewed);
    rmdir(scratch); /* where views were compared it is gone */
    if (error == STORE_OK) {
        printf("all is well: %" PRIu64 " events, every row%s as the log says\n", store_last(books->log), viewed ? " and view" : "");
        return EXIT_SUCCESS;
    }
    printf("not well: %s\n", error == STORE_DAMAGED ? what : "the check could not be done");
    return EXIT_FAILURE;
}

static void
print_line(void *arg, const char *line)
{
    (void)arg;
    puts(line);
}

static int
dump(const struct options *options, struct books *books)
{
    enum store_error error = views_print(options->data, books, print_line, NULL);

    if (error == STORE_NONE) fputs("pedidod: there are no views; an engine that serves makes them\n", stderr);
    return error == STORE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
rebuild(const struct options *options, struct books *books)
{
    enum store_error error = upkeep_rebuild(books, options->known_commands, show_progress, NULL);
    if (!data_say_error(options, error, 0)) return EXIT_FAILURE;
    printf("rebuilt: %" PRIu64 " events folded\n", store_last(books->log));
    return EXIT_SUCCESS;
}

/* Under the directory's lock, which the end of the process gives back. */
static int
with_books(const struct options *options, int (*work)(const struct options *, struct books *))
{
    struct books books = {.log = NULL};
    uint64_t     known = 0;
    int          status = EXIT_FAILURE;

    enum store_error error = books_open(options->data, STORE_EXISTING, false, &books, &known);
    if (data_say_error(options, error, known)) status = work(options, &books);
    books_close(&books);
    return status;
}

int
offline_verify(const struct options *options)
{
    return data_lock(options, false) >= 0 && inspect(options) ? with_books(options, verify) : EXIT_FAILURE;
}

int
offline_rebuild(const struct options *options)
{
    return data_lock(options, false) >= 0 ? with_books(options, rebuild) : EXIT_FAILURE;
}

int
offline_restore(const struct options *options)
{
    char dir[PATH_MAX], from[PATH_MAX];

    if (options->operand[0] == '\0') {
        fputs("pedidod: restore takes the directory of a backup\n", stderr);
        return OFFLINE_USAGE;
    }
    if (data_lock(options, true) < 0) return EXIT_FAILURE;
    if (realpath(options->data, dir) == NULL || realpath(options->operand, from) == NULL) {
        fprintf(stderr, "pedidod: %s: %s\n", options->operand, strerror(errno));
        return EXIT_FAILURE;
    }
    struct backup *b = backup_restore(from, dir);
    while (backup_step(b)) {
        struct backup_progress p = backup_progress(b);
        show_progress(NULL, p.phase == BACKUP_COPIES ? "copy" : "check", p.done, p.of);
    }
    struct backup_progress p = backup_progress(b);
    backup_close(&b);
    if (p.phase == BACKUP_DONE) printf("restored: %" PRIu64 " events; the log has a new id\n", p.of);
    else fprintf(stderr, "pedidod: not restored: %s\n", p.problem);
    return p.phase == BACKUP_DONE ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
offline_dump(const struct options *options)
{
    return data_lock(options, false) >= 0 ? with_books(options, dump) : EXIT_FAILURE;
}

int
offline_locate(const struct options *options)
{
    char     path[4200], *end;
    uint64_t offset, size, last;

    errno = 0;
    unsigned long long position = strtoull(options->operand, &end, 10);
    if (errno != 0 || options->operand[0] < '0' || options->operand[0] > '9' || *end != '\0' || position == 0) {
        fprintf(stderr, "pedidod: locate takes the position of an event, a number from 1, not \"%s\"\n", options->operand);
        return OFFLINE_USAGE;
    }
    if (data_lock(options, false) < 0) return EXIT_FAILURE;
    snprintf(path, sizeof path, "%s/books", options->data);
    enum store_error error = inspect_locate(path, position, tell_damage, "books", &offset, &size, &last);
    if (error == STORE_NONE) fprintf(stderr, "pedidod: there is no event %llu; the last is %" PRIu64 "\n", position, last);
    else if (error != STORE_DAMAGED && data_say_error(options, error, 0)) {
        printf("%s/data.mdb %" PRIu64 " %" PRIu64 "\n", path, offset, size);
        return EXIT_SUCCESS;
    }
    return EXIT_FAILURE;
}
