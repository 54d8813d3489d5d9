#include "engine/base/calendar.h"

#include <glib.h>
#include <pthread.h>

#include "proto/check.h"
#include "proto/codec.h"

/* Zones that were asked for once are kept: GLib reads their files anew otherwise. There are some 600 names. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable     *zones;

/* The zone, or NULL; stays valid. */
static GTimeZone *
find_zone(struct pd_text zone)
{
    char       name[65];
    GTimeZone *z;

    if (zone.size >= sizeof name || memchr(zone.data, '\0', zone.size) != NULL) return NULL;
    memcpy(name, zone.data, zone.size);
    name[zone.size] = '\0';
    /* GLib also takes offsets (+01) and paths; a reseller's zone is an IANA name. */
    if (strcmp(name, "UTC") != 0 && (strchr(name, '/') == NULL || name[0] == '/' || strstr(name, "..") != NULL)) return NULL;
    pthread_mutex_lock(&lock);
    if (zones == NULL) zones = g_hash_table_new(g_str_hash, g_str_equal);
    z = g_hash_table_lookup(zones, name);
    if (z == NULL && (z = g_time_zone_new_identifier(name)) != NULL) g_hash_table_insert(zones, g_strdup(name), z);
    pthread_mutex_unlock(&lock);
    return z;
}

bool
calendar_knows_zone(struct pd_text zone)
{
    return find_zone(zone) != NULL;
}

pd_time_us
calendar_expiry(struct pd_text zone, pd_time_us anchor, uint64_t n, struct pd_text text)
{
    struct pd_period period;
    GTimeZone       *z = find_zone(zone);
    GDateTime       *utc, *local, *end;
    pd_time_us       result;

    PD_CHECK(z != NULL && pd_parse_period(text, &period) && n <= 10000);
    gint64 seconds = (gint64)(anchor / 1000000);
    int    count = (int)(period.count * n);
    utc = g_date_time_new_from_unix_utc(seconds);
    local = g_date_time_to_timezone(utc, z);
    end = period.unit == 'd'   ? g_date_time_add_days(local, count)
          : period.unit == 'm' ? g_date_time_add_months(local, count)
                               : g_date_time_add_years(local, count);
    PD_CHECK(end != NULL);
    result = (pd_time_us)g_date_time_to_unix(end) * 1000000 + anchor % 1000000;
    g_date_time_unref(end);
    g_date_time_unref(local);
    g_date_time_unref(utc);
    return result;
}
