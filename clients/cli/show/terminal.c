#include "clients/cli/show/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clients/cli/show/text.h"

size_t
terminal_width(FILE *to)
{
    struct winsize size;

    if (!isatty(fileno(to))) return 0;
    return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool
terminal_asks(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && isatty(STDOUT_FILENO);
}

static bool
has_colours(FILE *to)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return (none == NULL || none[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0 && isatty(fileno(to));
}

void
terminal_tone(FILE *to, enum tone tone)
{
    static const char *const codes[] = {"0", "1", "2", "32", "31", "33"};
    if (has_colours(to)) fprintf(to, "\033[%sm", codes[tone]);
}

enum { ECHOED = 3 }; /* columns left free: what Ctrl-C echoes must not go on in the next line */
static const char away[] = "\r\033[K";

/* Ctrl-C leaves no half line behind, then ends the program as ever. */
static void
interrupted(int number)
{
    ssize_t written = write(STDERR_FILENO, away, sizeof away - 1);

    (void)written;
    signal(number, SIG_DFL);
    raise(number);
}

/* Who started us may have had it ignored; then so be it. */
static void
watch_interrupts(void)
{
    struct sigaction before;
    if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN) signal(SIGINT, interrupted);
}

void
terminal_live(const char *line)
{
    static bool shown, watched;
    size_t      width = terminal_width(stderr);

    if (width == 0 || (!shown && line[0] == '\0')) return;
    fflush(stdout);
    fputs(away, stderr);
    shown = line[0] != '\0';
    if (shown) text_print_cut(stderr, line, width > ECHOED ? width - ECHOED : 0);
    if (!watched) watch_interrupts();
    watched = true;
    fflush(stderr);
}
