#include "tests/unit/fill.h"

#include "tests/support/check.h"

#define AT(type, base, offset) ((type *)(void *)((char *)(base) + (offset)))

bool
has_raw(const struct pd_block *block)
{
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        if (f->kind == PD_KIND_RAW || (f->block != NULL && has_raw(f->block()))) return true;
    }
    return false;
}

/* Spelled so that every form is met: an id's letters, a currency's, a period, an address or a key. */
static struct pd_text
some_text(struct pd_arena *arena, uint64_t *seed, const struct pd_type *type)
{
    static const char *const periods[] = {"1d", "1m", "12m", "1y", "120m", "3650d"};
    static const char *const emails[] = {"a@b", "ana@panaderia-lopez.es", "ñandú@example.com"};
    static const char *const identities[] = {"uid/0", "uid/4294967295", "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"};
    size_t                   size = type->min + check_pick(seed, type->max - type->min + 1);

    if (type->form == PD_FORM_PERIOD) return pd_arena_text(arena, pd_text(periods[check_pick(seed, 6)]));
    if (type->form == PD_FORM_IDENTITY) return pd_arena_text(arena, pd_text(identities[check_pick(seed, 3)]));
    if (type->form == PD_FORM_EMAIL) return pd_arena_text(arena, pd_text(emails[check_pick(seed, 3)]));
    char *text = pd_arena_alloc(arena, size);
    for (size_t i = 0; i < size; i++) text[i] = (char)('A' + (char)check_pick(seed, 26));
    return (struct pd_text){text, size};
}

static uint64_t
some_number(uint64_t *seed, const struct pd_type *type)
{
    uint64_t edges[] = {type->min, type->max, 127, 128, 255, 256, 65535, 65536, UINT32_MAX, (uint64_t)UINT32_MAX + 1};
    uint64_t n = check_pick(seed, 2) == 0 ? check_random(seed) : edges[check_pick(seed, sizeof edges / sizeof edges[0])];
    if (n < type->min) return type->min;
    return n > type->max ? type->min + n % (type->max - type->min + 1) : n;
}

static void
fill_elements(struct pd_arena *arena, uint64_t *seed, const struct pd_field *f, void *message)
{
    size_t span = f->count_max - f->count_min;
    size_t count = f->count_min + check_pick(seed, (span > 5 ? 5 : span) + 1);
    const struct pd_block *block = f->kind == PD_KIND_LIST ? f->block() : NULL;
    size_t size = block != NULL              ? block->size
                  : f->kind == PD_KIND_MAP   ? sizeof(struct pd_pair)
                                             : sizeof(struct pd_text);
    if (count == 0) return;
    char *elements = pd_arena_zero(arena, size * count);
    for (size_t i = 0; i < count; i++) {
        void *element = elements + i * size;
        if (block != NULL) fill_block(arena, seed, block, element);
        else if (f->kind == PD_KIND_TEXTS) *(struct pd_text *)element = some_text(arena, seed, f->type);
        else {
            char key[] = {(char)('a' + (char)i), '\0'};
            *(struct pd_pair *)element = (struct pd_pair){pd_arena_text(arena, pd_text(key)), pd_arena_text(arena, PD_TEXT("ñ"))};
        }
    }
    *AT(char *, message, f->offset) = elements;
    *AT(size_t, message, f->aux_offset) = count;
}

void
fill_block(struct pd_arena *arena, uint64_t *seed, const struct pd_block *block, void *message)
{
    memset(message, 0, block->size);
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        if (f->need == PD_OPTIONAL && check_pick(seed, 3) == 0) continue;
        switch (f->kind) {
        case PD_KIND_TEXT: *AT(struct pd_text, message, f->offset) = some_text(arena, seed, f->type); break;
        case PD_KIND_DOMAIN:
            *AT(struct pd_domain, message, f->offset) =
                (struct pd_domain){pd_arena_text(arena, PD_TEXT("xn--espaa-rta.es")), pd_arena_text(arena, PD_TEXT("españa.es"))};
            break;
        case PD_KIND_UINT:
            *AT(uint64_t, message, f->offset) = some_number(seed, f->type);
            *AT(bool, message, f->aux_offset) = true;
            break;
        case PD_KIND_FLAG: *AT(bool, message, f->offset) = check_pick(seed, 2) == 1; break;
        case PD_KIND_CHOICE: *AT(int, message, f->offset) = 1 + (int)check_pick(seed, f->choice->count); break;
        case PD_KIND_STRUCT:
            *AT(void *, message, f->offset) = pd_arena_alloc(arena, f->block()->size);
            fill_block(arena, seed, f->block(), *AT(void *, message, f->offset));
            break;
        case PD_KIND_RAW: break;
        default: fill_elements(arena, seed, f, message); break;
        }
    }
}
