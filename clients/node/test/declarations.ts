// declarations.ts - what TypeScript is to take, and what it is to refuse: declarations.test.js has it compiled.
import { Client, NoAnswer, Refused, Subscriber } from "pedido";
import type { Int, OrderState, PedidoEvent, PositionStore } from "pedido";
import { enums, messages } from "pedido/schema";

const client = new Client({ endpoint: "ipc://x", talk: (line: string) => console.log(line) });

const { data, position } = await client.call("AddOrder", { customer: "a", items: [{ plan: "p", period: "1y" }] }, { dryRun: true });
const state: OrderState = data.state;
const at: Int | undefined = position;
await client.call("Hello");
await client.call("ConfirmOrder", { order: 2n ** 60n }, { expect: 1, signal: AbortSignal.timeout(10) });
for await (const row of client.rows("ListOrders", { customer: "a" }, { limit: 10, sort: "newest" })) console.log(row.order, row.state);
for (const answer of await client.callAll([{ type: "PutCustomer", data: { customer: "a", name: "A" }, expect: 0 }]))
    console.log(answer.ok ? answer.data : [answer.code, answer.details]);

const store: PositionStore = { load: async () => undefined };
const subscriber = new Subscriber(client, { from: "beginning", store });
for await (const event of subscriber) {
    if (event.type === "OrderAdded") console.log(event.data.order, event.data.items.length);
    const any: PedidoEvent = event;
    console.log(any.position, state, at, messages[any.type]?.port, enums.order_state);
}
try {
    await subscriber.restart("now");
} catch (error) {
    if (error instanceof Refused) console.log(error.code, error.field?.length, error.retryAfterMs);
    if (error instanceof NoAnswer) console.log(error.id);
}

// @ts-expect-error there is no such message
await client.call("AddOrders", {});
// @ts-expect-error a field is missing
await client.call("PutCustomer", { customer: "a" });
// @ts-expect-error there is no such field
await client.call("CheckStatus", { orders: 1 });
// @ts-expect-error it is no list
client.rows("GetOrder", { order: 1 });
// @ts-expect-error there is no such option
await client.call("Hello", {}, { dry_run: true });
// @ts-expect-error an engine alone sends it
await client.call("ExpireOrder", {});
// @ts-expect-error there is no such place to begin
new Subscriber(client, { from: "end" });
