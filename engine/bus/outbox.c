#include "engine/bus/outbox.h"

#include <pthread.h>
#include <stdlib.h>

#include "proto/check.h"

/* Two buffers: one is filled while the other is emptied. A message is {where, address size, body size} and the bytes. */
struct buffer {
    char  *data;
    size_t size, capacity;
};

struct head {
    uint32_t where, address_size, body_size;
};

struct outbox {
    pthread_mutex_t lock;
    struct buffer   filling, emptying;
};

struct outbox *
outbox_open(void)
{
    struct outbox *o = calloc(1, sizeof *o);
    PD_CHECK(o != NULL && pthread_mutex_init(&o->lock, NULL) == 0);
    return o;
}

void
outbox_close(struct outbox **outbox)
{
    if (*outbox == NULL) return;
    pthread_mutex_destroy(&(*outbox)->lock);
    free((*outbox)->filling.data);
    free((*outbox)->emptying.data);
    free(*outbox);
    *outbox = NULL;
}

static void
put(struct buffer *b, const void *bytes, size_t size)
{
    while (b->capacity - b->size < size) {
        b->capacity = b->capacity == 0 ? 65536 : b->capacity * 2;
        b->data = realloc(b->data, b->capacity);
        PD_CHECK(b->data != NULL);
    }
    if (size > 0) memcpy(b->data + b->size, bytes, size);
    b->size += size;
}

void
outbox_put(struct outbox *o, int where, struct pd_text address, struct pd_text body)
{
    struct head head = {(uint32_t)where, (uint32_t)address.size, (uint32_t)body.size};
    pthread_mutex_lock(&o->lock);
    if (where != OUTBOX_EVENTS || o->filling.size <= OUTBOX_BYTES_MAX) {
        put(&o->filling, &head, sizeof head);
        put(&o->filling, address.data, address.size);
        put(&o->filling, body.data, body.size);
    }
    pthread_mutex_unlock(&o->lock);
}

size_t
outbox_take(struct outbox *o, outbox_visit *visit, void *arg)
{
    size_t        count = 0;
    struct buffer full;

    pthread_mutex_lock(&o->lock);
    full = o->filling;
    o->filling = o->emptying;
    o->filling.size = 0;
    pthread_mutex_unlock(&o->lock);
    for (size_t at = 0; at < full.size; count++) {
        struct head head;
        memcpy(&head, full.data + at, sizeof head);
        at += sizeof head;
        visit(arg, (int)head.where, (struct pd_text){full.data + at, head.address_size},
              (struct pd_text){full.data + at + head.address_size, head.body_size});
        at += head.address_size + head.body_size;
    }
    o->emptying = full;
    return count;
}

bool
outbox_is_empty(struct outbox *o)
{
    pthread_mutex_lock(&o->lock);
    bool empty = o->filling.size == 0;
    pthread_mutex_unlock(&o->lock);
    return empty;
}
