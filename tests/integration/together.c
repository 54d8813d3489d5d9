/* together ENDPOINT PREFIX COUNT - so many customers are put, as many calls at a time as there may be; each 7th is one that no rule
 * takes, each 11th looks at an order that is not there. Every call must end once, with its own answer. */
#include <pedido/pedido.h>

#include <stdio.h>
#include <stdlib.h>

enum { AT_A_TIME = 12000 };

struct one {
    char                   customer[40];
    struct pd_put_customer put;
    struct pd_check_status look;
    int                    ends;
    bool                   bad, looks;
};

static unsigned long accepted, refused, full, wrong;

static void
done(void *context, struct pd_reply *reply)
{
    struct one                *one = context;
    const struct pd_put_reply *put = pd_put_customer_reply(reply);

    one->ends++;
    if (put != NULL && !one->bad && !one->looks && strcmp(put->customer.data, one->customer) == 0) accepted++;
    else if (one->bad && reply->refused.code == PD_E_invalid_field) refused++;
    else if (one->looks && reply->refused.code == PD_E_order_not_found) refused++;
    else if (wrong++ < 3) fprintf(stderr, "%s: %s\n", one->customer, put != NULL ? put->customer.data : reply->problem);
}

int
main(int argc, char **argv)
{
    struct pd_client_options options = PD_CLIENT_DEFAULTS;
    struct pd_client        *client;

    if (argc != 4) return 2;
    size_t      count = strtoul(argv[3], NULL, 10);
    struct one *ones = calloc(count, sizeof *ones);
    options.endpoint = argv[1];
    options.outstanding = AT_A_TIME;
    options.timeout_ms = 2000;
    options.retries = 8;
    if (ones == NULL || pd_client_open(&options, &client) != PD_CLIENT_OK) return 2;
    for (size_t n = 0; n < count;) {
        struct one *one = &ones[n];
        one->bad = n % 7 == 3;
        one->looks = n % 11 == 5 && !one->bad;
        snprintf(one->customer, sizeof one->customer, one->bad ? "%s %zu" : "%s%zu", argv[2], n);
        one->put = (struct pd_put_customer){.customer = pd_text(one->customer), .name = PD_TEXT("N")};
        one->look = (struct pd_check_status){PD_SET(order, 999999999)};
        struct pd_call_message m = one->looks ? pd_check_status_message(&one->look) : pd_put_customer_message(&one->put);
        enum pd_client_status  status = pd_call_start(client, &m, done, one);
        if (status == PD_CLIENT_OK) n++;
        else if (status != PD_CLIENT_FULL) return 3;
        else {
            full++;
            pd_client_poll(client, 1000);
        }
    }
    while (pd_client_poll(client, 1000) > 0) continue;
    for (size_t n = 0; n < count; n++) wrong += ones[n].ends != 1;
    pd_client_close(&client);
    printf("%lu accepted, %lu refused, %lu wrong\n", accepted, refused, wrong);
    free(ones);
    return full > 0 ? 0 : 4;
}
