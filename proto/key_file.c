#include "proto/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 4096 };

bool
pd_key_is_z85(struct pd_text text)
{
    static const char z85[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

    for (size_t i = 0; i < text.size; i++)
        if (memchr(z85, text.data[i], sizeof z85 - 1) == NULL) return false;
    return text.size == PD_KEY_SIZE - 1;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

/* The whole file, ended by a zero; a secret is wiped by whoever asked. */
static bool
read_file(const char *path, char text[FILE_MAX], struct stat *ret_stat, char why[256])
{
    size_t  size = 0;
    ssize_t n = 0;
    int     fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0 || fstat(fd, ret_stat) != 0 || !S_ISREG(ret_stat->st_mode)) {
        snprintf(why, 256, "%s", fd < 0 ? strerror(errno) : "it is no file");
        if (fd >= 0) close(fd);
        return false;
    }
    while (size < FILE_MAX - 1 && (n = read(fd, text + size, FILE_MAX - 1 - size)) > 0) size += (size_t)n;
    close(fd);
    text[size] = '\0';
    if (n == 0 && strlen(text) == size) return true;
    snprintf(why, 256, "%s", n < 0 ? strerror(errno) : "it is no key file");
    return false;
}

/* A line's name = "value". */
static bool
take_pair(const char *line, const char *name, char *to, size_t size)
{
    size_t n = strlen(name);

    line += strspn(line, " \t");
    if (strncmp(line, name, n) != 0) return false;
    line += n + strspn(line + n, " \t");
    if (*line != '=') return false;
    line += 1 + strspn(line + 1, " \t");
    char quote = *line == '"' || *line == '\'' ? *line++ : '\0';
    size_t length = quote != '\0' ? strcspn(line, quote == '"' ? "\"" : "'") : strcspn(line, " \t\r\n");
    if (length >= size) return false;
    memcpy(to, line, length);
    to[length] = '\0';
    return true;
}

static bool
take_lines(char *text, struct pd_key_pair *pair)
{
    char *rest = text;

    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (take_pair(line, "name", pair->name, sizeof pair->name)) continue;
        if (take_pair(line, "public-key", pair->public_key, sizeof pair->public_key)) continue;
        (void)take_pair(line, "secret-key", pair->secret_key, sizeof pair->secret_key);
    }
    return pd_key_is_z85(pd_text(pair->public_key)) &&
           (pair->secret_key[0] == '\0' || pd_key_is_z85(pd_text(pair->secret_key)));
}

bool
pd_key_file_read(const char *path, struct pd_key_pair *ret_pair, char why[256])
{
    char               text[FILE_MAX];
    struct pd_key_pair pair = {.name = ""};
    struct stat        st;

    bool ok = read_file(path, text, &st, why);
    if (ok && !(ok = take_lines(text, &pair))) snprintf(why, 256, "it is no key file");
    if (ok && pair.secret_key[0] != '\0' && (st.st_mode & 077) != 0) {
        snprintf(why, 256, "others may read it; it has a secret: chmod 600");
        ok = false;
    }
    if (ok) *ret_pair = pair;
    explicit_bzero(text, sizeof text);
    explicit_bzero(&pair, sizeof pair);
    return ok;
}

bool
pd_key_read_public(const char *key_or_file, struct pd_key_pair *ret_pair, char ret_why[256])
{
    if (!pd_key_is_z85(pd_text(key_or_file))) return pd_key_file_read(key_or_file, ret_pair, ret_why);
    *ret_pair = (struct pd_key_pair){.name = ""};
    memcpy(ret_pair->public_key, key_or_file, PD_KEY_SIZE);
    return true;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

bool
pd_key_file_write(const char *path, const struct pd_key_pair *pair)
{
    char text[512];
    bool secret = pair->secret_key[0] != '\0';
    int  fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, secret ? 0600 : 0644);

    if (fd < 0) return false;
    int size = snprintf(text, sizeof text, "metadata\n    name = \"%s\"\ncurve\n    public-key = \"%s\"\n%s%s%s", pair->name,
                        pair->public_key, secret ? "    secret-key = \"" : "", pair->secret_key, secret ? "\"\n" : "");
    bool ok = write(fd, text, (size_t)size) == size && fsync(fd) == 0;
    int  code = errno;
    explicit_bzero(text, sizeof text);
    ok = close(fd) == 0 && ok;
    if (!ok) unlink(path);
    errno = code;
    return ok;
}
