/* event.c - events as a subscriber reads them: an event's own fields, of a type that the first byte names. */
#include <pedido/pedido.h>

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pd_event  event;
    static struct mp_writer w;

    if (size == 0 || !fuzz_claims_little(data + 1, size - 1)) return -1;
    const struct pd_block      *block = fuzz_block(FUZZ_KIND(event), data[0]);
    const struct pd_event_view view = {.position = 1, .type = pd_text(block->Name), .data = {(const char *)data + 1, size - 1}};
    if (!pd_event_from_view(&view, &event)) return 0;
    PD_CHECK((int)event.type == block->code && event.data != NULL);
    mp_writer_clear(&w);
    pd_encode_map(&w, block, event.data);
    return 0;
}
