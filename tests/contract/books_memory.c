#include "engine/store/store_memory.h"
#include "tests/contract/books.h"

const bool books_have_snapshots = false;

static const char name[] = "books in memory";

const char *
books_make(void)
{
    store_memory_forget(name);
    return name;
}

void
books_forget(void)
{
    store_memory_forget(name);
}

void
books_fill(bool full)
{
    store_memory_fill(name, full);
}

void
books_damage(int row_code, struct row_key key)
{
    store_memory_damage(name, row_code, key);
}
