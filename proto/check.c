#include "proto/check.h"

#include <stdio.h>
#include <stdlib.h>

void
pd_check_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
    abort();
}
