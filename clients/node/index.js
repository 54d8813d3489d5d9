export { Client, DEFAULT_ENDPOINT } from "./lib/client.js";
export { Subscriber } from "./lib/subscriber.js";
export { Checkpoint } from "./lib/checkpoint.js";
export { decode, encode } from "./lib/codec.js";
export { newId } from "./lib/id.js";
export * from "./lib/errors.js";
