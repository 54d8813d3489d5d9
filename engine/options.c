#include "engine/options.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/endpoint.h"

enum { LINE_BYTES_MAX = 4096 }; /* of the file */

/* Those from ONCE on are no settings. */
enum kind { TEXT, ENDPOINT, NUMBER, CHOICE, ONCE, FLAG };

static const struct option {
    const char *name;
    enum kind   kind;
    size_t      offset;
    const char *standard;
    uint64_t    min, max;
    const char *value, *help;
} rows[] = {
#define OPTION(name, field, kind, standard, min, max, value, help)                                                     \
    {name, kind, offsetof(struct options, field), standard, min, max, value, help},
#include "engine/options.def"
};
enum { COUNT = sizeof rows / sizeof rows[0] };

/* ---- values -------------------------------------------------------------------------------------------------------- */

/* Any that a line of the file can hold, so that what the one source can say the other can. */
static bool
is_text(const struct option *row, const char *value)
{
    size_t size = strlen(value);

    if (size < row->min || size > row->max || *value == ' ' || (size > 0 && value[size - 1] == ' ')) return false;
    for (; *value != '\0'; value++)
        if ((unsigned char)*value < ' ' || *value == 0x7f) return false;
    return true;
}

/* Whoever may reach them is judged when all is known. */
static bool
are_endpoints(const char *value)
{
    struct pd_text list = pd_text(value), endpoint;
    int            count = 0;

    while (endpoint_next(&list, &endpoint))
        if (!endpoint_is_valid(endpoint) || ++count > ENDPOINTS_MAX) return false;
    return true;
}

static bool
set_number(const struct option *row, const char *value, uint64_t *ret_number)
{
    char *end;

    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    if (errno != 0 || *value < '0' || *value > '9' || *end != '\0' || n < row->min || n > row->max) return false;
    *ret_number = n;
    return true;
}

/* The n-th of a list such as "info|warn|error"; absent behind its end. */
static struct pd_text
choice_at(const char *list, uint64_t n)
{
    for (; n > 0; n--) {
        list = strchr(list, '|');
        if (list == NULL) return (struct pd_text){NULL, 0};
        list++;
    }
    return (struct pd_text){list, strcspn(list, "|")};
}

static bool
set_choice(const struct option *row, const char *value, uint64_t *ret_place)
{
    struct pd_text choice;

    for (uint64_t n = 0; (choice = choice_at(row->value, n)).data != NULL; n++) {
        if (!pd_text_equal(choice, pd_text(value))) continue;
        *ret_place = n;
        return true;
    }
    return false;
}

/* False: the value is none that the option takes. */
static bool
set(struct options *o, const struct option *row, const char *value)
{
    void *field = (char *)o + row->offset;

    switch (row->kind) {
    case NUMBER: return set_number(row, value, field);
    case CHOICE: return set_choice(row, value, field);
    case FLAG: *(bool *)field = true; return true;
    case ENDPOINT:
        if (!are_endpoints(value)) return false;
        break;
    default: break;
    }
    if (!is_text(row, value)) return false;
    *(const char **)field = value;
    return true;
}

/* What an option takes, as a person is told it. */
static const char *
range(const struct option *row, char text[200])
{
    switch (row->kind) {
    case NUMBER: snprintf(text, 200, "a number from %" PRIu64 " to %" PRIu64, row->min, row->max); break;
    case CHOICE: snprintf(text, 200, "one of %s", row->value); break;
    case ENDPOINT:
        snprintf(text, 200,
                 "ipc://PATH or tcp://ADDRESS:PORT with a port from 1 to 65535, or up to four with commas between them, at most "
                 "%" PRIu64 " bytes",
                 row->max);
        break;
    default:
        snprintf(text, 200, "%" PRIu64 " to %" PRIu64 " bytes, without blanks at the ends and control characters", row->min,
                 row->max);
        break;
    }
    return text;
}

static const struct option *
find(const char *name, size_t size)
{
    for (int i = 0; i < COUNT; i++)
        if (strlen(rows[i].name) == size && memcmp(rows[i].name, name, size) == 0) return &rows[i];
    return NULL;
}

/* ---- the file ------------------------------------------------------------------------------------------------------ */

struct file {
    struct options *options;
    const bool     *given; /* of each option: the command line has said it */
    int             line;
    int             lines[COUNT]; /* where the options stand */
    bool            said, wrong; /* the line says something; some line is wrong */
};

__attribute__((format(printf, 2, 3))) static void
complain(struct file *f, const char *about, ...)
{
    va_list args;

    f->wrong = true;
    fprintf(stderr, "pedidod: %s:%d: ", f->options->config, f->line);
    va_start(args, about);
    vfprintf(stderr, about, args);
    va_end(args);
    fputc('\n', stderr);
}

/* One name and its value. Returns 1: what is wrong has been said. */
static int
take_line(void *arg, const char *section, const char *name, const char *value)
{
    struct file         *f = arg;
    const struct option *row = find(name, strlen(name));
    struct options       unused;
    char                 text[200];

    (void)section;
    f->said = true;
    if (row == NULL) {
        complain(f, "there is no option \"%s\"; see pedidod --help", name);
        return 1;
    }
    if (row->kind >= ONCE) {
        complain(f, "%s is for the command line only", name);
        return 1;
    }
    if (f->lines[row - rows] != 0) {
        complain(f, "%s is in line %d already", name, f->lines[row - rows]);
        return 1;
    }
    f->lines[row - rows] = f->line;
    value = pd_arena_text(&f->options->texts, pd_text(value)).data;
    if (!set(f->given[row - rows] ? &unused : f->options, row, value))
        complain(f, "%s takes %s, not \"%s\"", name, range(row, text), value);
    return 1;
}

/* Line by line, so that each can be named, and one that is indented continues none. */
static void
read_lines(struct file *f, FILE *in)
{
    char   *line = NULL;
    size_t  room = 0;
    ssize_t size;

    ini_allow_inline_comments = false;
    ini_max_line = LINE_BYTES_MAX + 2;
    while ((size = getline(&line, &room, in)) >= 0) {
        f->line++;
        f->said = false;
        const char *first = line + strspn(line, " \t\r\n");
        if (size > LINE_BYTES_MAX) complain(f, "a line has at most %d bytes", LINE_BYTES_MAX);
        else if (strlen(line) < (size_t)size) complain(f, "a byte 0 in a text");
        else if (strchr(";#", *first) == NULL && (ini_parse_string(line, take_line, f) != 0 || !f->said))
            complain(f, "a line is name = value, or a comment behind #; there are no sections");
    }
    free(line);
}

static bool
read_file(struct options *o, const bool given[COUNT])
{
    struct file f = {.options = o, .given = given};
    FILE       *in = fopen(o->config, "re");

    errno = in == NULL ? errno : 0;
    if (in != NULL) read_lines(&f, in);
    if (in == NULL || ferror(in)) {
        f.wrong = true;
        fprintf(stderr, "pedidod: %s: it cannot be read: %s\n", o->config, strerror(errno));
    }
    if (in != NULL) fclose(in);
    return !f.wrong;
}

/* ---- the command line ---------------------------------------------------------------------------------------------- */

static bool
read_words(int argc, char **argv, struct options *o, bool given[COUNT])
{
    char text[200];

    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strncmp(word, "--", 2) != 0) {
            bool takes_one = o->verb != NULL && (strcmp(o->verb, "locate") == 0 || strcmp(o->verb, "restore") == 0);
            bool is_operand = takes_one && o->operand[0] == '\0';
            if ((o->verb != NULL && !is_operand) || *word == '-') {
                fprintf(stderr, "pedidod: I do not understand \"%s\"; see pedidod --help\n", word);
                return false;
            }
            *(is_operand ? &o->operand : &o->verb) = word;
            continue;
        }
        const char          *equals = strchr(word, '='), *value = equals == NULL ? NULL : equals + 1;
        const struct option *row = find(word + 2, equals == NULL ? strlen(word + 2) : (size_t)(equals - word - 2));
        if (row == NULL || (row->kind == FLAG && value != NULL)) {
            fprintf(stderr, "pedidod: there is no option %s; see pedidod --help\n", word);
            return false;
        }
        if (row->kind != FLAG && value == NULL && (value = argv[++i]) == NULL) {
            fprintf(stderr, "pedidod: --%s needs a value (%s)\n", row->name, row->value);
            return false;
        }
        if (!set(o, row, value)) {
            fprintf(stderr, "pedidod: --%s takes %s, not \"%s\"\n", row->name, range(row, text), value);
            return false;
        }
        given[row - rows] = true;
    }
    return true;
}

static const char *
endpoint_of(const struct options *o, int row)
{
    return *(const char *const *)(const void *)((const char *)o + rows[row].offset);
}

/* Absent: it is no such option. */
static struct pd_text
endpoints_of(const struct options *o, int i)
{
    return rows[i].kind == ENDPOINT ? pd_text(endpoint_of(o, i)) : (struct pd_text){NULL, 0};
}

static bool
is_listed(const char *list, struct pd_text wanted)
{
    struct pd_text rest = pd_text(list), endpoint;

    while (endpoint_next(&rest, &endpoint))
        if (pd_text_equal(endpoint, wanted)) return true;
    return false;
}

/* Each port is at a place of its own; any free port is. */
static bool
are_apart(const struct options *o)
{
    for (int i = 0; i < COUNT; i++) {
        struct pd_text rest = endpoints_of(o, i), endpoint;
        while (endpoint_next(&rest, &endpoint))
            for (int j = i + 1; j < COUNT; j++) {
                if (rows[j].kind != ENDPOINT || !is_listed(endpoint_of(o, j), endpoint)) continue;
                if (endpoint.size > 2 && memcmp(endpoint.data + endpoint.size - 2, ":*", 2) == 0) continue;
                fprintf(stderr, "pedidod: --%s and --%s are the same, %.*s\n", rows[i].name, rows[j].name, (int)endpoint.size,
                        endpoint.data);
                return false;
            }
    }
    return true;
}

/* Where others than this machine can connect, they need keys. */
static bool
are_guarded(const struct options *o)
{
    for (int i = 0; i < COUNT; i++) {
        struct pd_text rest = endpoints_of(o, i), endpoint;
        while (endpoint_next(&rest, &endpoint)) {
            if (endpoint_is_local(endpoint) || o->server_key[0] != '\0') continue;
            fprintf(stderr,
                    "pedidod: --%s %.*s can be reached from other machines, which takes keys:\n"
                    "    pedido key new --server FILE   makes the engine's own pair\n"
                    "    pedidod --server-key FILE ...  encrypts every tcp endpoint with it\n"
                    "    pedido key grant               says which key may do what; the first ones over an ipc endpoint\n",
                    rows[i].name, (int)endpoint.size, endpoint.data);
            return false;
        }
    }
    return true;
}

bool
options_parse(int argc, char **argv, struct options *ret_options)
{
    struct options o = {.verb = NULL, .operand = ""};
    bool           given[COUNT] = {false};

    pd_arena_init(&o.texts);
    for (int i = 0; i < COUNT; i++) {
        if (rows[i].standard[0] != '\0') set(&o, &rows[i], rows[i].standard);
        else if (rows[i].kind != FLAG) *(const char **)(void *)((char *)&o + rows[i].offset) = "";
    }
    if (!read_words(argc, argv, &o, given) || (o.config[0] != '\0' && !read_file(&o, given))) {
        options_fini(&o);
        return false;
    }
    if (!are_apart(&o) || !are_guarded(&o)) {
        options_fini(&o);
        return false;
    }
    if (o.verb == NULL) o.verb = "serve";
    if (o.head[0] != '\0' && strcmp(o.verb, "verify") != 0) {
        fputs("pedidod: --head is for verify: pedidod verify --data DIR --head POSITION:HEX\n", stderr);
        options_fini(&o);
        return false;
    }
    *ret_options = o;
    return true;
}

void
options_fini(struct options *o)
{
    pd_arena_fini(&o->texts);
}

/* ---- what is printed ----------------------------------------------------------------------------------------------- */

void
options_print_help(void)
{
    char left[64], limits[64];

    puts("pedidod - the order engine\n\n"
         "  pedidod --data DIR                    serve\n"
         "  pedidod rebuild --data DIR            throw every row away and fold the log again\n"
         "  pedidod verify --data DIR             check every page and the log's chain, compare the rows; changes nothing\n"
         "  pedidod restore --data DIR BACKUP     make a data directory of a backup; its log gets a new id\n"
         "  pedidod dump --data DIR               print all that views hold, a line each: two that are printed alike are alike\n"
         "  pedidod locate --data DIR POSITION    print in which file an event lies, at which offset, and how long it is\n"
         "  pedidod doctor --data DIR             does this disk honour flushes, and is there what an engine needs?\n");
    for (int i = 0; i < COUNT; i++) {
        const struct option *row = &rows[i];
        snprintf(left, sizeof left, "--%s %s", row->name, row->value);
        snprintf(limits, sizeof limits, "%" PRIu64 " to %" PRIu64 "; ", row->min, row->max);
        printf("  %-28s %s", left, row->help);
        if (row->standard[0] != '\0') printf(" (%sdefault %s)", row->kind == NUMBER ? limits : "", row->standard);
        putchar('\n');
    }
    puts("\nExit status: 0 all is well, 1 it could not be done (the last lines say why), 2 the command line or the file that\n"
         "--config names is wrong. Of doctor, as monitoring wants it: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n"
         "SIGTERM and SIGINT: finish the turn, answer, end with 0.");
}

void
options_print_config(const struct options *o)
{
    char text[200];

    puts("# Every option as it is in effect; pedidod --config FILE takes this.");
    for (int i = 0; i < COUNT; i++) {
        const struct option *row = &rows[i];
        if (row->kind >= ONCE) continue;
        const void *field = (const char *)o + row->offset;
        printf("\n# %s\n# %s; %s%s\n", row->help, range(row, text), row->standard[0] == '\0' ? "no default" : "default ",
               row->standard);
        if (row->kind == NUMBER) printf("%s = %" PRIu64 "\n", row->name, *(const uint64_t *)field);
        else if (row->kind == CHOICE) {
            struct pd_text choice = choice_at(row->value, *(const uint64_t *)field);
            printf("%s = %.*s\n", row->name, (int)choice.size, choice.data);
        } else {
            const char *value = *(const char *const *)field;
            printf("%s%s = %s\n", *value == '\0' ? "# " : "", row->name, value);
        }
    }
}
