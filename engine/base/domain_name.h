/* domain_name.h - domain names as people write them, made ASCII by IDNA 2008 (libidn2) and judged by the public suffix list's
 * ICANN part (libpsl). Any thread. */
#ifndef BASE_DOMAIN_NAME_H
#define BASE_DOMAIN_NAME_H

#include "proto/arena.h"

/* Fills both spellings of a name written in either; false unless it lies at or below a registrable name. */
bool domain_name_judge(struct pd_arena *arena, struct pd_domain *domain);

/* Whether the public suffix list could be loaded. Say so at start rather than refuse every name later. */
bool domain_name_ready(void);

#endif
