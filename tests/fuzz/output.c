/* output.c - what a worker's script prints: whatever it is, the report that comes of it is one that the engine takes. The first
 * byte says how it ends, the second where the output was cut into two reads. */
#include "clients/worker/output.h"

#include "tests/fuzz/fuzz.h"

static void
check_clean(struct pd_text text)
{
    char   clean[WORKER_TEXT_MAX];
    size_t size = output_clean(text, clean);

    PD_CHECK(size <= sizeof clean && (size == 0 || clean[size - 1] != ' '));
    for (size_t at = 0, letter; at < size; at += letter) {
        PD_CHECK((letter = mp_letter(clean + at, clean + size)) > 0);
        PD_CHECK(letter > 1 || ((unsigned char)clean[at] >= 0x20 && clean[at] != 0x7f));
    }
}

static struct tail tail;

static void
take_line(void *context, struct pd_text line)
{
    size_t        *lines = context;
    uint64_t       percent = 0;
    struct pd_text rest = line;

    PD_CHECK(line.size > 0 && line.size <= OUTPUT_LINE_MAX);
    ++*lines;
    tail_add(&tail, line);
    if (output_percent(line, &percent, &rest)) PD_CHECK(percent <= 100 && rest.size < line.size);
    check_clean(rest);
}

static void
check_report(struct pd_arena *arena, const struct pd_block *block, const void *report)
{
    static struct mp_writer w;
    struct mp_scan          scan;
    struct pd_refusal       refusal;

    mp_writer_clear(&w);
    pd_encode_map(&w, block, report);
    PD_CHECK(mp_scan(w.data, w.size, &scan));
    void *again = pd_arena_alloc(arena, block->size);
    PD_CHECK(pd_decode_map(arena, block, PD_STRICT, (struct pd_text){w.data, w.size}, again, &refusal));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pd_arena arena;
    struct output          out = {0}, err = {0};
    struct worker_in       in = {.kind = WORKER_ENDED};
    size_t                 lines = 0;
    static const int       statuses[] = {0, 1 << 8, 2 << 8, 75 << 8, 9}; /* waitpid's; the last: SIGKILL */

    tail.size = 0;
    if (size < 2) return -1;
    const char *text = (const char *)data + 2;
    size_t      cut = data[1] < size - 2 ? data[1] : size - 2;
    pd_arena_reset(&arena);
    output_feed(&out, text, cut, take_line, &lines);
    output_feed(&out, text + cut, size - 2 - cut, take_line, &lines);
    output_end(&out, take_line, &lines);
    PD_CHECK((lines > 0) == (output_last(&out).size > 0));
    output_result(&arena, statuses[data[0] % 5], &out, &err, &in);
    in.output = tail_text(&tail);
    PD_CHECK((lines > 0) == (in.output.size > 0) && (in.output.size == 0 || in.output.data[in.output.size - 1] != '\n'));
    if (in.success)
        check_report(&arena, pd_block_report_success(), &(struct pd_report_success){PD_TEXT("w1"), .task = 1, .lease = 1,
                     .message = in.text, .output = in.output, .parameters = in.parameters,
                     .parameters_count = in.parameter_count});
    else
        check_report(&arena, pd_block_report_failure(), &(struct pd_report_failure){PD_TEXT("w1"), .task = 1, .lease = 1,
                     .code = in.code, .message = in.text, .retryable = in.retryable, .output = in.output});
    output_fini(&out);
    return 0;
}
