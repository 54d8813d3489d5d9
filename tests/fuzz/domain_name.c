/* domain_name.c - a name that is judged good is good in both of its spellings, and then stays as it is. */
#include "engine/base/domain_name.h"

#include "tests/fuzz/fuzz.h"

static bool
is_utf8(const char *at, const char *end)
{
    for (size_t letter; at < end; at += letter)
        if ((letter = mp_letter(at, end)) == 0) return false;
    return true;
}

static void
check_stays(struct pd_arena *arena, struct pd_text written, const struct pd_domain *as)
{
    struct pd_domain d = {.unicode = written};

    PD_CHECK(domain_name_judge(arena, &d));
    PD_CHECK(pd_text_equal(d.ascii, as->ascii) && pd_text_equal(d.unicode, as->unicode));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pd_arena arena;
    struct pd_text         written = {(const char *)data, size};
    struct pd_domain       domain = {.unicode = written};

    /* Others are stopped by the scan. */
    if (!is_utf8(written.data, written.data + size)) return -1;
    pd_arena_reset(&arena);
    if (!domain_name_judge(&arena, &domain)) return 0;
    PD_CHECK(domain.ascii.size <= 253 && domain.unicode.size <= 253);
    PD_CHECK(is_utf8(domain.unicode.data, domain.unicode.data + domain.unicode.size));
    check_stays(&arena, domain.ascii, &domain);
    check_stays(&arena, domain.unicode, &domain);
    return 0;
}
