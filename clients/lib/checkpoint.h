/* checkpoint.h - a file that keeps how far a program has come in a log. It is there whole, or as it was before. */
#ifndef CLIENTS_LIB_CHECKPOINT_H
#define CLIENTS_LIB_CHECKPOINT_H

#include <pedido/types.h>

struct pd_checkpoint {
    char     log[41], reseller[72]; /* NUL behind them */
    uint64_t position;              /* the last that is done; 0: none */
};

/* 0; ENOENT: there is no such file; EBADMSG: it is no checkpoint; another errno. */
int pd_checkpoint_read(const char *path, struct pd_checkpoint *ret_checkpoint);

/* On stable storage when it returns. 0 or an errno. */
int pd_checkpoint_write(const char *path, const struct pd_checkpoint *checkpoint);

#endif
