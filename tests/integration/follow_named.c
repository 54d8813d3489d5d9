/* follow-named ENDPOINT NAME FROM - prints the position of each event, and "reset" where the engine has another log, in which it
 * begins anew from FROM. Ends with 1 when it is refused. */
#include <pedido/pedido.h>
#include <stdio.h>
#include <stdlib.h>

int
main(int argc, char **argv)
{
    struct pd_client        *client;
    struct pd_subscriber    *subscriber;
    struct pd_event          event = {0};
    struct pd_client_options options = {.endpoint = argv[1]};

    if (argc != 4) return 2;
    struct pd_follow_options follow = {.reseller = PD_TEXT("default"), .from = strtoull(argv[3], NULL, 10),
                                       .subscriber = pd_text(argv[2])};
    if (pd_client_open(&options, &client) != PD_CLIENT_OK) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    enum pd_client_status status = pd_subscriber_follow(client, &follow, &subscriber);
    while (status == PD_CLIENT_OK || status == PD_CLIENT_NO_ANSWER) {
        status = pd_subscriber_event(subscriber, 200, &event);
        if (status == PD_CLIENT_OK) printf("%llu\n", (unsigned long long)event.position);
        if (status != PD_CLIENT_RESET) continue;
        puts("reset");
        status = pd_subscriber_restart(subscriber, follow.from);
    }
    fprintf(stderr, "%s\n", pd_client_problem(client));
    return 1;
}
