#include "engine/views/places.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/check.h"

char *
places_path(const char *dir, int place)
{
    char *path;
    PD_CHECK(asprintf(&path, "%s/views-%c", dir, 'a' + place) > 0);
    return path;
}

enum store_error
places_open(struct projector *w, const char *dir, enum store_mode mode, struct projection places[PLACES], int *ret_serving)
{
    *ret_serving = NOWHERE;
    for (int i = 0; i < PLACES; i++) {
        char            *path = places_path(dir, i);
        enum store_error error = projection_open(w, path, mode, &places[i]);
        free(path);
        if (error == STORE_EXISTS_NOT || (error == STORE_DAMAGED && mode != STORE_VIEWS_LOOK)) continue;
        if (error != STORE_OK) return error;
        if (*ret_serving == NOWHERE || places[i].rows_at > places[*ret_serving].rows_at) *ret_serving = i;
    }
    return STORE_OK;
}
