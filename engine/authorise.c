#include "engine/authorise.h"

enum pd_error_code
authorise(struct pd_text actor, const struct pd_message *message, struct pd_text reseller)
{
    (void)actor;
    (void)message;
    (void)reseller;
    return PD_OK;
}
