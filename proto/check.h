/* check.h - PD_CHECK: a bug, never a bad input. Always compiled in; aborts with file and line. */
#ifndef PROTO_CHECK_H
#define PROTO_CHECK_H

/* Prints "file:line: check failed: what" to stderr and aborts. */
_Noreturn void pd_check_failed(const char *file, int line, const char *what);

#define PD_CHECK(condition) ((condition) ? (void)0 : pd_check_failed(__FILE__, __LINE__, #condition))

#endif
