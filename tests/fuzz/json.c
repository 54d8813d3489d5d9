/* json.c - JSON and MessagePack, both ways: a message that JSON says is a value, and said in JSON again it is the same one. What
 * is no JSON is taken as MessagePack. The first byte names the block. */
#include "clients/lib/json.h"

#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

/* Without a block nothing is a time, and all comes back. */
static void
check_same(const json_t *value)
{
    struct mp_writer       w = {0};
    struct pd_json_problem problem;

    if (pd_json_to_request(&w, NULL, value, &problem)) {
        json_t *shown = pd_json_from_bytes((struct pd_text){w.data, w.size}, NULL);
        PD_CHECK(json_equal(shown, value));
        json_decref(shown);
    }
    mp_writer_fini(&w);
}

static void
from_json(const struct pd_block *block, const json_t *value)
{
    struct mp_writer       first = {0}, again = {0};
    struct mp_reader       reader = {.ready = false};
    struct pd_json_problem problem = {.what = ""};
    msgpack_object         o;

    if (pd_json_to_request(&first, block, value, &problem)) {
        PD_CHECK(mp_parse(&reader, first.data, first.size, &o));
        json_t *shown = pd_json_from_msgpack(&o, block);
        PD_CHECK(shown != NULL);
        /* A time of ten thousand years cannot be read again. */
        if (pd_json_to_request(&again, block, shown, &problem)) fuzz_same(&first, &again);
        else PD_CHECK(strstr(problem.what, "is no time") != NULL);
        json_decref(shown);
    } else PD_CHECK(problem.what[0] != '\0');
    mp_writer_fini(&first);
    mp_writer_fini(&again);
    mp_reader_fini(&reader);
}

static void
from_bytes(const struct pd_block *block, struct pd_text bytes)
{
    struct mp_scan scan;

    if (!mp_scan(bytes.data, bytes.size, &scan)) return;
    json_t *shown = pd_json_from_bytes(bytes, block);
    if (shown == NULL) return;
    char *text = json_dumps(shown, JSON_COMPACT | JSON_ENCODE_ANY);
    PD_CHECK(text != NULL);
    free(text);
    json_decref(shown);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return -1;
    struct pd_text         bytes = {(const char *)data + 1, size - 1};
    const struct pd_block *block = fuzz_block(~0u, data[0]);
    json_t                *value = json_loadb(bytes.data, bytes.size, 0, NULL);

    if (value != NULL) check_same(value);
    if (value != NULL) from_json(data[0] == UINT8_MAX ? pd_block_request() : block, value);
    else from_bytes(block, bytes);
    json_decref(value);
    return 0;
}
