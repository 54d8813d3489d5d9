/* catalogue.c - catalogue files: plans, or at least one complaint with a line of the file and a sentence. */
#include "clients/cli/verbs/catalogue.h"

#include "tests/fuzz/fuzz.h"

struct reports {
    size_t count;
    int    lines; /* of the file */
};

static void
take_report(void *context, int line, const char *code, const char *field, const char *message, const char *said)
{
    struct reports *r = context;

    r->count++;
    PD_CHECK(line >= 1 && line <= r->lines);
    PD_CHECK(code[0] != '\0' && field != NULL && message[0] != '\0' && said[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reports reports = {.lines = 1};
    json_t        *plans = NULL;

    for (size_t i = 0; i < size; i++) reports.lines += data[i] == '\n';
    bool ok = catalogue_read(fuzz_file(data, size), take_report, &reports, &plans);
    PD_CHECK(ok == (reports.count == 0) && ok == (json_array_size(plans) > 0));
    PD_CHECK(!ok || memchr(data, '\0', size) == NULL);
    json_decref(plans);
    return 0;
}
