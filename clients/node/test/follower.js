// follower.js ENDPOINT CHECKPOINT - a program that follows and may be killed; it tells its parent of each event.
import { Client, Subscriber } from "../index.js";
import { setTimeout as sleep } from "node:timers/promises";

const client = await Client.connect(process.argv[2]);
for await (const event of new Subscriber(client, { from: "beginning", checkpoint: process.argv[3] })) {
    process.send(event.position);
    await sleep(1);
}
