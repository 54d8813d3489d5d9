/* calendar.c - zones and periods: any text is a zone or is none; a period that the decoder takes ends after it began, and later
 * when it is longer. Eight bytes of time, a zone, a newline, a period. */
#include "engine/base/calendar.h"

#include "tests/fuzz/fuzz.h"

enum { YEARS = 400 }; /* of anchors */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t         anchor;
    struct pd_period period;

    if (size < sizeof anchor) return -1;
    memcpy(&anchor, data, sizeof anchor);
    anchor %= (uint64_t)YEARS * 366 * 86400 * 1000000;
    const char    *at = (const char *)data + sizeof anchor, *end = (const char *)data + size;
    const char    *line = at == end ? NULL : memchr(at, '\n', (size_t)(end - at));
    struct pd_text zone = {at, (size_t)((line == NULL ? end : line) - at)};
    bool           known = calendar_knows_zone(zone);

    if (line == NULL || !known) return 0;
    struct pd_text text = {line + 1, (size_t)(end - line - 1)};
    if (!pd_parse_period(text, &period)) return 0;
    pd_time_us ends = calendar_expiry(zone, anchor, 1, text);
    PD_CHECK(ends > anchor && calendar_expiry(zone, anchor, 2, text) > ends);
    PD_CHECK(ends % 1000000 == anchor % 1000000);
    return 0;
}
