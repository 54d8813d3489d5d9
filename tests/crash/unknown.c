/* unknown.c - part of the recorder: calls that would change files unseen. Without the headers that declare them. */
void abort(void) __attribute__((noreturn));
int  puts(const char *text);

#define UNKNOWN(call)                                                   \
    __attribute__((visibility("default"))) int call(void);              \
    int call(void)                                                      \
    {                                                                   \
        puts("recorder: " #call " is not known here; teach recorder.c"); \
        abort();                                                        \
    }

UNKNOWN(copy_file_range)
UNKNOWN(creat)
UNKNOWN(fallocate)
UNKNOWN(link)
UNKNOWN(linkat)
UNKNOWN(mkdirat)
UNKNOWN(msync)
UNKNOWN(openat)
UNKNOWN(posix_fallocate)
UNKNOWN(pwritev)
UNKNOWN(pwritev2)
UNKNOWN(renameat)
UNKNOWN(renameat2)
UNKNOWN(sendfile)
UNKNOWN(symlink)
UNKNOWN(sync_file_range)
UNKNOWN(truncate)
UNKNOWN(unlinkat)
