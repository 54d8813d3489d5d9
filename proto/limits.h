/* limits.h - every bound of the protocol and the engine, checked at decode and asserted in the core. */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

enum {
    PD_PROTOCOL_VERSION = 1,
    PD_DEPTH_MAX        = 16,      /* nesting of arrays and maps in a message */
    PD_ELEMENTS_MAX     = 65536,   /* elements in one message, an array of commands included */
    PD_FRAME_MAX        = 1 << 20, /* bytes of one frame; libzmq ends a connection that sends more */
    PD_TEXT_MAX         = 8192,    /* bytes of any text */
    PD_ARRAY_MAX        = 1024,    /* commands in one frame */
    PD_ENVELOPE_MAX     = 4,       /* address frames before the empty one */
    PD_IDENTITY_MAX     = 255,     /* bytes of one address frame */
    PD_ITEMS_MAX        = 32,      /* items of an order */
    PD_PARAMETERS_MAX   = 32,      /* pairs of a parameter map */
    PD_PERIODS_MAX      = 64,      /* periods of a plan */
    PD_REASONS_MAX      = 16,      /* hold reasons of a customer */
    PD_EVENTS_MAX       = 80,      /* events of one command */
    PD_TOPIC_MAX        = 200,     /* bytes of a topic: libzmq 4.3.4 mis-encodes from 246 */
    PD_FIELD_PATH_MAX   = 64,      /* bytes of a field's path in a refusal, cut beyond */
    PD_PAGE_ROWS_MAX    = 1000,    /* rows of one query answer */
    PD_PAGE_BYTES_MAX   = 512 << 10,
    PD_LOG_ID_BYTES     = 16,
    PD_CHAIN_BYTES      = 32,
};

#endif
