/* named.h - a subscriber whose position the engine keeps: who holds its name says so every few seconds. Calls are asynchronous but
 * for the first and the last, so that whoever waits for events keeps his time-out. */
#ifndef CLIENTS_LIB_NAMED_H
#define CLIENTS_LIB_NAMED_H

#include <pedido/client.h>

struct pd_named;

/* Takes the name, made from position `from` on where there is none (0: from now on). *ret_log, valid until the end, and
 * *ret_position are where it has come to. */
enum pd_client_status pd_named_attach(struct pd_client *client, struct pd_text name, const char *reseller, bool all, uint64_t from,
                                      struct pd_named **ret_named, struct pd_text *ret_log, uint64_t *ret_position);

/* What came up to `position` of the log is done; said when it is due, at once when idle. PD_CLIENT_REFUSED: the name is another's
 * now, or is no more. */
enum pd_client_status pd_named_keep(struct pd_named *named, struct pd_text log, uint64_t position, bool idle);

/* The same, and waits for it. */
enum pd_client_status pd_named_save(struct pd_named *named, struct pd_text log, uint64_t position);

/* The log is another than the old one: takes the name again, which it may not know. *ret_position is where to begin behind: `from`,
 * or, where that is 0, where the name has come to in the new log, or its head. When it fails it may be tried again. */
enum pd_client_status pd_named_restart(struct pd_named *named, struct pd_text old_log, uint64_t from, uint64_t *ret_position);

/* Lets the name go. */
void pd_named_end(struct pd_named **named);

#endif
