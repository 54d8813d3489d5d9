#include "engine/base/endpoint.h"

#include <string.h>

bool
endpoint_next(struct pd_text *list, struct pd_text *ret_endpoint)
{
    if (list->data == NULL) return false;
    const char *comma = memchr(list->data, ',', list->size);
    size_t      size = comma == NULL ? list->size : (size_t)(comma - list->data);

    *ret_endpoint = (struct pd_text){list->data, size};
    *list = comma == NULL ? (struct pd_text){NULL, 0} : (struct pd_text){comma + 1, list->size - size - 1};
    return true;
}

static bool
begins_with(struct pd_text text, const char *begin)
{
    size_t size = strlen(begin);
    return text.size >= size && memcmp(text.data, begin, size) == 0;
}

bool
endpoint_is_tcp(struct pd_text e)
{
    return begins_with(e, "tcp://");
}

/* libzmq takes any number, cut to 16 bits. */
static bool
is_port(struct pd_text t)
{
    unsigned long port = 0;

    if (t.size == 1 && t.data[0] == '*') return true;
    for (size_t i = 0; i < t.size; i++) {
        if (t.data[i] < '0' || t.data[i] > '9' || port > 65535) return false;
        port = port * 10 + (unsigned long)(t.data[i] - '0');
    }
    return t.size > 0 && port >= 1 && port <= 65535;
}

bool
endpoint_is_valid(struct pd_text e)
{
    const size_t scheme = 6; /* of either */

    if (begins_with(e, "ipc://")) return e.size > scheme;
    if (!endpoint_is_tcp(e)) return false;
    size_t colon = e.size;
    while (colon > scheme && e.data[colon - 1] != ':') colon--;
    return colon > scheme + 1 && memchr(e.data, ' ', e.size) == NULL && is_port((struct pd_text){e.data + colon, e.size - colon});
}

bool
endpoint_is_local(struct pd_text e)
{
    static const char *const local[] = {"ipc://", "tcp://127.", "tcp://localhost:", "tcp://[::1]:"};

    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        if (begins_with(e, local[i])) return true;
    return false;
}
