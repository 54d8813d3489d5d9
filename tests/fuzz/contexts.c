/* contexts.c - the command line's file of contexts: an endpoint and a reseller come of it, or a sentence. */
#include "clients/cli/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

const char *__asan_default_options(void);

/* The program reads its file once and keeps it. */
const char *
__asan_default_options(void)
{
    return "detect_leaks=0";
}

static char place[] = "/tmp/pedido-fuzz-XXXXXX";

static void
remove_place(void)
{
    char path[80];

    snprintf(path, sizeof path, "%s/pedido/contexts.json", place);
    unlink(path);
    snprintf(path, sizeof path, "%s/pedido", place);
    rmdir(path);
    rmdir(place);
}

/* $XDG_CONFIG_HOME/pedido/contexts.json is a link to the fuzzer's file. */
static void
make_place(const char *file)
{
    char path[80];

    PD_CHECK(mkdtemp(place) != NULL && setenv("XDG_CONFIG_HOME", place, 1) == 0 && unsetenv("PEDIDO_CONTEXT") == 0);
    atexit(remove_place);
    snprintf(path, sizeof path, "%s/pedido", place);
    PD_CHECK(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/pedido/contexts.json", place);
    PD_CHECK(symlink(file, path) == 0);
}

static void
take_context(void *context, const char *name, const char *endpoint)
{
    size_t *count = context;
    *count += strlen(name) + (endpoint == NULL ? 0 : strlen(endpoint));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct cli  cli = {.verb = verb_find("order list")};
    size_t      bytes = 0;
    const char *file = fuzz_file(data, size);

    if (!ready) make_place(file);
    ready = true;
    if (context_open(&cli) != STATUS_OK) return 0;
    struct setting endpoint = context_setting(&cli, "endpoint", "PEDIDO_NO_ENDPOINT", "usual");
    struct setting reseller = context_setting(&cli, "reseller", "PEDIDO_NO_RESELLER", "default");
    PD_CHECK(endpoint.value != NULL && reseller.value != NULL);
    context_each(take_context, &bytes);
    run_context_list(&cli);
    return 0;
}
