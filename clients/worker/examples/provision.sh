#!/bin/sh
# provision.sh - an example for pedido-worker: each service is a directory. Run it with
#
#     SERVICES=/srv/services pedido-worker --group hosting --exec ./provision.sh
#
# What to keep when you write your own:
#
# - It may be run again at any time, also after a run that was killed half-way: the worker, the engine or the machine may end
#   whenever they like. PEDIDO_INSTANCE is the same in every attempt and for the removal, and no other service has it. Name what
#   you make after it; look first whether it is there; make it beside its place and move it there when it is whole.
# - To remove what is not there is success: a run that made nothing is cleaned up, too.
# - Exit status 0: it is so. 75: not now, try again after a pause. Anything else: it cannot be done, and a person has to look.
# - The last line on standard error says why, in words for that person. Secrets do not belong there: it is kept.
set -eu

# Where the services are. The worker's own environment is passed on, but for variables that begin with PEDIDO_.
services=${SERVICES:-/srv/services}
place=$services/$PEDIDO_INSTANCE
unfinished=$services/.$PEDIDO_INSTANCE.unfinished

fail() { # the status to exit with, and why
    echo "$2" >&2
    exit "$1"
}

provision() {
    if [ ! -d "$place" ]; then
        echo "10% making room"
        rm -rf "$unfinished" # of an attempt that did not come to its end
        mkdir "$unfinished" || fail 75 "no room in $services"

        echo "40% writing the pages of ${PEDIDO_DOMAIN_UNICODE:-$PEDIDO_PLAN_NAME}"
        mkdir "$unfinished/pages"
        printf '%s\n' "${PEDIDO_DOMAIN_UNICODE:-$PEDIDO_PLAN_NAME}" >"$unfinished/pages/index.txt"
        # What the client gave with the item: parameter `size` is PEDIDO_PARAM_SIZE.
        printf '%s\n' "${PEDIDO_PARAM_SIZE:-1 GB}" >"$unfinished/size"

        echo "80% putting it in its place"
        mv "$unfinished" "$place" # at once, so that whoever looks sees all of it or nothing
    fi
    # The last line: what the customer is shown, and what the removal gets as PEDIDO_SERVICE_LOGIN and PEDIDO_SERVICE_SERVER.
    echo "{\"login\":\"https://panel.example/$PEDIDO_INSTANCE\",\"server\":\"$(uname -n)\"}"
}

deprovision() {
    echo "50% removing what was made on ${PEDIDO_SERVICE_SERVER:-this server, if anything}"
    rm -rf "$place" "$unfinished" || fail 75 "$place cannot be removed now"
    echo "removed"
}

[ -d "$services" ] || fail 75 "$services is not there; is its disk mounted?"

case $PEDIDO_OPERATION in
provision) provision ;;
deprovision) deprovision ;;
*) fail 1 "this script does not know how to $PEDIDO_OPERATION" ;;
esac
