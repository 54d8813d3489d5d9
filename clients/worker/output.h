/* output.h - what a script says: bytes to lines, lines to progress, the last line and the exit status to a result. */
#ifndef CLIENTS_WORKER_OUTPUT_H
#define CLIENTS_WORKER_OUTPUT_H

#include "clients/worker/worker.h"

enum { OUTPUT_LINE_MAX = 16384 }; /* bytes of a line; what is beyond is left out */

/* Zero-initialised is empty. */
struct output {
    char  *line, *last; /* the one that grows, and the last whole one that was not empty */
    size_t line_size, last_size;
};

/* The end of what both streams said, in whole lines and in the order in which they were read. Zero-initialised is empty. */
struct tail {
    char   text[4 * WORKER_OUTPUT_MAX]; /* room for many short lines, before those at its begin are dropped */
    size_t size;
};

void tail_add(struct tail *t, struct pd_text line);

/* At most WORKER_OUTPUT_MAX bytes of valid UTF-8 without control characters but newline and tab; absent when there is nothing. */
struct pd_text tail_text(struct tail *t);

/* A function that takes each whole line; the text is valid during the call. */
typedef void (*output_line_fn)(void *context, struct pd_text line);

void output_feed(struct output *o, const char *bytes, size_t size, output_line_fn fn, void *context);
void output_end(struct output *o, output_line_fn fn, void *context); /* what stands without a newline is a line, too */
void output_fini(struct output *o);

/* The last line that was not empty; absent when there was none. */
struct pd_text output_last(const struct output *o);

/* Cleans a text for the protocol: valid UTF-8 without control characters, at most WORKER_TEXT_MAX bytes, not cut inside a
 * letter, without blanks at the ends. Returns its size; 0: nothing is left. */
size_t output_clean(struct pd_text text, char ret_clean[WORKER_TEXT_MAX]);

/* "40% copying": a percentage and what follows it. False: the line is no progress. */
bool output_percent(struct pd_text line, uint64_t *ret_percent, struct pd_text *ret_rest);

/* Whether a line is a JSON object of texts, numbers and flags; its pairs come from the arena. */
bool output_parameters(struct pd_arena *arena, struct pd_text line, struct pd_pair **ret_pairs, size_t *ret_count);

/* Fills `ret_in` (WORKER_ENDED) from how the process ended (waitpid's status) and what it said last. Exit status 0 is success; 75
 * (EX_TEMPFAIL) and a signal are failures that may work another time, all others are for good. */
void output_result(struct pd_arena *arena, int status, const struct output *out, const struct output *err,
                   struct worker_in *ret_in);

#endif
