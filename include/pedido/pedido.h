/* pedido.h - all of libpedido. clients/lib/README.md is its page. */
#ifndef PEDIDO_PEDIDO_H
#define PEDIDO_PEDIDO_H

#include <pedido/calls.h>
#include <pedido/events.h>
#include <pedido/names.h>

#endif
