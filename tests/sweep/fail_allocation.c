/* fail_allocation.c - a library to be preloaded: the n-th allocation of the program finds no memory.
 *
 *     PEDIDO_FAIL_AT=N  PEDIDO_FAIL_STICKY=0|1  PEDIDO_FAIL_REPORT=FILE  LD_PRELOAD=...
 *
 * Counts what all threads allocate once the program's own constructors are through. With 1 no later one succeeds either. FILE gets
 * one line, `N: bytes, caller`, or stays away when there were fewer. The programs that the program starts are spared. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The C library's own, under the names by which it offers them. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_ulong  count;
static unsigned long at;
static bool          sticky, counting;
static _Thread_local bool spared;
static char          report[4096];

/* Without an allocation of its own. */
static void
note(unsigned long n, size_t size, const void *caller)
{
    Dl_info info = {.dli_fname = "?"};
    char    line[512];

    dladdr(caller, &info);
    int length = snprintf(line, sizeof line, "%lu: %zu bytes, %s %s\n", n, size, strrchr(info.dli_fname, '/') ?: info.dli_fname,
                          info.dli_sname == NULL ? "" : info.dli_sname);
    int fd = open(report, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, (size_t)length) != length) _exit(EXIT_FAILURE);
    close(fd);
}

static bool
fails(size_t size, const void *caller)
{
    if (!counting || spared) return false;
    unsigned long n = atomic_fetch_add(&count, 1) + 1;
    if (n != at && !(sticky && n > at)) return false;
    if (n == at) note(n, size, caller);
    errno = ENOMEM;
    return true;
}

__attribute__((constructor)) static void
begin(void)
{
    const char *number = getenv("PEDIDO_FAIL_AT"), *path = getenv("PEDIDO_FAIL_REPORT"), *more = getenv("PEDIDO_FAIL_STICKY");

    if (number == NULL || path == NULL) return;
    at = strtoul(number, NULL, 10);
    sticky = more != NULL && *more == '1';
    snprintf(report, sizeof report, "%s", path);
    unsetenv("LD_PRELOAD");
    counting = at > 0;
}

void *
malloc(size_t size)
{
    return fails(size, __builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
    return fails(n * size, __builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
    return fails(size, __builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
    return fails(size, __builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

int
posix_memalign(void **ret, size_t alignment, size_t size)
{
    if (fails(size, __builtin_return_address(0))) return ENOMEM;
    *ret = __libc_memalign(alignment, size);
    return *ret == NULL ? ENOMEM : 0;
}

/* Of libpgm, which libzmq starts with each context and nobody uses here: it ends without a word when it finds no memory, and so
 * does what it asks of the C library (nss_database_check_reload_and_get, glibc 2.36). None of it is ours to mend. */
int
pgm_init(void **error)
{
    int (*next)(void **);
    void *symbol = dlsym(RTLD_NEXT, "pgm_init");

    memcpy(&next, &symbol, sizeof next);
    spared = true;
    int ok = next(error);
    spared = false;
    return ok;
}
