/* calendar.h - periods in the calendar of a time zone, by GLib. Any thread. */
#ifndef BASE_CALENDAR_H
#define BASE_CALENDAR_H

#include <pedido/types.h>

/* Whether the name is an IANA time zone (or UTC). */
bool calendar_knows_zone(struct pd_text zone);

/* anchor + n periods ("1m", "1y", "30d") in the zone's local time: 31 January + 1 month is the last day of February,
 * + 2 months is 31 March. A local time that a change of clocks skips moves forward. Aborts on a zone it does not know. */
pd_time_us calendar_expiry(struct pd_text zone, pd_time_us anchor, uint64_t n, struct pd_text period);

#endif
