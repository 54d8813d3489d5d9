#include "engine/index/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/file_system.h"
#include "proto/check.h"

enum { PUSH = 512 << 10, PAUSE_US = 1000 };

static const char unfinished[] = "unfinished-"; /* and a number: several are written at a time */

/* Of a shelf in memory; it stays while somebody has mapped it. */
struct blob {
    char         name[SHELF_NAME_MAX]; /* empty: removed */
    char        *bytes;
    size_t       size, capacity;
    unsigned     users; /* that have it mapped, and the shelf while it has a name */
    struct blob *next;
};

struct shelf {
    char        *dir; /* NULL: memory */
    struct blob *blobs;
    unsigned     begun;
    bool         gently;
};

struct shelf_file {
    struct shelf *shelf;
    struct blob  *blob;
    int           fd;
    uint64_t      written, pushed; /* bytes that the disk was told to begin with */
    char          name[SHELF_NAME_MAX];
};

/* Allocated. */
static char *
path_of(const struct shelf *s, const char *name)
{
    char *path;
    PD_CHECK(asprintf(&path, "%s/%s", s->dir, name) > 0);
    return path;
}

static bool
remove_file(const struct shelf *s, const char *name)
{
    char *path = path_of(s, name);
    bool  gone = unlink(path) == 0 || errno == ENOENT;
    free(path);
    return gone;
}

/* Visits the n-th file of the directory, or all that were not finished. */
static bool
look_through(const struct shelf *s, size_t n, char ret_name[SHELF_NAME_MAX], bool tidy)
{
    DIR           *dir = opendir(s->dir);
    struct dirent *entry;
    bool           found = false;

    while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
        bool half = strncmp(entry->d_name, unfinished, strlen(unfinished)) == 0;
        if (half && tidy) remove_file(s, entry->d_name);
        if (half || tidy || entry->d_name[0] == '.' || strlen(entry->d_name) >= SHELF_NAME_MAX) continue;
        if (n-- > 0) continue;
        strcpy(ret_name, entry->d_name);
        found = true;
    }
    if (dir != NULL) closedir(dir);
    return found;
}

bool
shelf_open(const char *dir, struct shelf **ret_shelf)
{
    char none[SHELF_NAME_MAX];

    bool made = dir != NULL && mkdir(dir, 0750) == 0;

    if (dir != NULL && !made && errno != EEXIST) return false;
    struct shelf *s = calloc(1, sizeof *s);
    PD_CHECK(s != NULL && (dir == NULL || (s->dir = strdup(dir)) != NULL));
    if (dir != NULL) (void)look_through(s, 0, none, true);
    char *above = made ? path_of(s, "..") : NULL;
    bool  ok = !made || file_system_sync(above);
    free(above);
    if (ok) *ret_shelf = s;
    else shelf_close(&s);
    return ok;
}

/* ---- memory -------------------------------------------------------------------------------------------------------- */

static void
forget_blob(struct shelf *s, struct blob *b)
{
    if (--b->users > 0) return;
    struct blob **link = &s->blobs;
    while (*link != b) link = &(*link)->next;
    *link = b->next;
    free(b->bytes);
    free(b);
}

static struct blob *
find_blob(const struct shelf *s, const char *name)
{
    struct blob *b = s->blobs;
    while (b != NULL && strcmp(b->name, name) != 0) b = b->next;
    return b;
}

static void
write_blob(struct blob *b, uint64_t offset, const void *bytes, size_t size)
{
    size_t end = (size_t)offset + size;

    if (end > b->capacity) {
        b->bytes = realloc(b->bytes, b->capacity = end + end / 2);
        PD_CHECK(b->bytes != NULL);
    }
    if (end > b->size) {
        memset(b->bytes + b->size, 0, end - b->size);
        b->size = end;
    }
    memcpy(b->bytes + offset, bytes, size);
}

void
shelf_close(struct shelf **shelf)
{
    struct shelf *s = *shelf;

    if (s == NULL) return;
    while (s->blobs != NULL) {
        s->blobs->users = 1;
        forget_blob(s, s->blobs);
    }
    free(s->dir);
    free(s);
    *shelf = NULL;
}

bool
shelf_name(struct shelf *s, size_t n, char ret_name[SHELF_NAME_MAX])
{
    if (s->dir != NULL) return look_through(s, n, ret_name, false);
    struct blob *b = s->blobs;
    for (; b != NULL; b = b->next)
        if (b->name[0] != '\0' && n-- == 0) break;
    if (b != NULL) strcpy(ret_name, b->name);
    return b != NULL;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

bool
shelf_has_room(const struct shelf *s, uint64_t bytes)
{
    struct statvfs fs;
    return s->dir == NULL || statvfs(s->dir, &fs) != 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= bytes;
}

bool
shelf_begin(struct shelf *s, struct shelf_file **ret_file)
{
    struct shelf_file *f = calloc(1, sizeof *f);

    PD_CHECK(f != NULL);
    f->shelf = s;
    if (s->dir == NULL) {
        f->blob = calloc(1, sizeof *f->blob);
        PD_CHECK(f->blob != NULL);
    } else {
        snprintf(f->name, sizeof f->name, "%s%u", unfinished, ++s->begun);
        char *path = path_of(s, f->name);
        f->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
        free(path);
        if (f->fd < 0) {
            free(f);
            return false;
        }
    }
    *ret_file = f;
    return true;
}

void
shelf_go_gently(struct shelf *s)
{
    s->gently = true;
}

bool
shelf_write(struct shelf_file *f, uint64_t offset, const void *bytes, size_t size)
{
    const char *at = bytes;

    if (f->blob != NULL) {
        write_blob(f->blob, offset, bytes, size);
        return true;
    }
    while (size > 0) {
        ssize_t n = pwrite(f->fd, at, size, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
        f->written += (uint64_t)n;
    }
    /* Else all of a large file would have to wait for the disk at its end, and with it who commits meanwhile: the disk's next flush
     * is of whatever it was given. */
    if (f->written < f->pushed + PUSH || sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE) != 0) return true;
    f->pushed = f->written;
    if (f->shelf->gently) usleep(PAUSE_US);
    return true;
}

bool
shelf_finish(struct shelf_file **file, const char *name)
{
    struct shelf_file *f = *file;
    struct shelf      *s = f->shelf;

    if (f->blob != NULL) {
        shelf_remove(s, name);
        strcpy(f->blob->name, name);
        f->blob->users = 1;
        f->blob->next = s->blobs;
        s->blobs = f->blob;
        f->blob = NULL;
        shelf_give_up(file);
        return true;
    }
    char *from = path_of(s, f->name), *to = path_of(s, name);
    bool  ok = fdatasync(f->fd) == 0 && rename(from, to) == 0;
    if (ok) f->name[0] = '\0';
    ok = ok && file_system_sync(s->dir);
    int why = errno;
    free(from);
    free(to);
    shelf_give_up(file);
    if (!ok) errno = why;
    return ok;
}

void
shelf_give_up(struct shelf_file **file)
{
    struct shelf_file *f = *file;

    if (f == NULL) return;
    if (f->blob != NULL) free(f->blob->bytes);
    free(f->blob);
    if (f->shelf->dir != NULL) {
        close(f->fd);
        if (f->name[0] != '\0') remove_file(f->shelf, f->name);
    }
    free(f);
    *file = NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

const char *
shelf_map(struct shelf *s, const char *name, size_t *ret_size)
{
    struct stat st;

    if (s->dir == NULL) {
        struct blob *b = find_blob(s, name);
        if (b == NULL) return NULL;
        b->users++;
        *ret_size = b->size;
        return b->bytes;
    }
    char *path = path_of(s, name);
    int   fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    if (fd < 0) return NULL;
    void *bytes = fstat(fd, &st) == 0 && st.st_size > 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    close(fd);
    if (bytes == MAP_FAILED) return NULL;
    *ret_size = (size_t)st.st_size;
    return bytes;
}

void
shelf_unmap(struct shelf *s, const char *bytes, size_t size)
{
    struct blob *b = s->blobs;

    if (s->dir != NULL) {
        munmap((void *)(uintptr_t)bytes, size);
        return;
    }
    while (b->bytes != bytes) b = b->next;
    forget_blob(s, b);
}

bool
shelf_remove(struct shelf *s, const char *name)
{
    if (s->dir != NULL) return remove_file(s, name);
    struct blob *b = find_blob(s, name);
    if (b == NULL) return true;
    b->name[0] = '\0';
    forget_blob(s, b);
    return true;
}

void
shelf_clear(struct shelf *s)
{
    char   name[SHELF_NAME_MAX];
    size_t n = 0;

    while (shelf_name(s, n, name)) n += !shelf_remove(s, name);
}
