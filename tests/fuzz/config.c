/* config.c - the daemon's file: options within their bounds, or none changed. */
#include "engine/options.h"

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char           name[] = "pedidod", option[] = "--config", path[40];
    char          *argv[] = {name, option, path, NULL};
    struct options o = {.lease_ms = 7};

    memcpy(path, fuzz_file(data, size), sizeof path);
    if (!options_parse(3, argv, &o)) {
        PD_CHECK(o.lease_ms == 7);
        return 0;
    }
    PD_CHECK(o.lease_ms >= 100 && o.lease_ms <= 3600000 && o.known_commands >= 1 << 20 && o.log_level <= 2);
    PD_CHECK(strlen(o.data) <= 4000 && strlen(o.commands) <= 255 && strstr(o.events, "://") != NULL);
    options_print_config(&o);
    options_fini(&o);
    return 0;
}
