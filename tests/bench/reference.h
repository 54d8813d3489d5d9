/* reference.h - what scripts/bench holds Pedido against, where no program of its own measures it. Each prints a JSON line and
 * returns the exit status; settings are as load_number takes them. */
#ifndef BENCH_REFERENCE_H
#define BENCH_REFERENCE_H

int flush_file(const char *path, char *const *settings);
int append_lmdb(const char *dir, char *const *settings);
int append_sqlite(const char *path, char *const *settings);
int publish_nats(const char *port, char *const *settings);

#endif
