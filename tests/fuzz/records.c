/* records.c - files to be imported, JSON lines or CSV: records that the engine would take as messages, or at least one
 * complaint with a line of the file and a sentence. */
#include "clients/cli/verbs/records.h"

#include "tests/fuzz/fuzz.h"

struct reports {
    size_t count;
    int    lines; /* of the file */
};

static void
take_report(void *context, int line, const char *code, const char *field, const char *said)
{
    struct reports *r = context;

    r->count++;
    PD_CHECK(line >= 0 && line <= r->lines);
    PD_CHECK(code[0] != '\0' && field != NULL && said[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reports reports = {.lines = 1};
    struct records records;

    for (size_t i = 0; i < size; i++) reports.lines += data[i] == '\n';
    bool ok = records_read(fuzz_file(data, size), take_report, &reports, &records);
    PD_CHECK(ok == (reports.count == 0) && (!ok || records.count > 0));
    PD_CHECK(!ok || memchr(data, '\0', size) == NULL);
    for (size_t i = 0; i < records.count; i++) {
        const struct record *r = &records.list[i];
        PD_CHECK(r->line >= 1 && r->line <= reports.lines && json_is_object(r->data));
    }
    records_fini(&records);
    return 0;
}
