// message.js - a request's map from a type, its data and options, and what can be seen to be wrong with it before it is sent.
import { messages } from "../schema.js";
import { newId } from "./id.js";
import { BadMessage, BadOption } from "./errors.js";

/** Options of a request, and what they are called on the wire. */
const KEYS = {
    id: "id", reseller: "reseller", expect: "expect", dryRun: "dry_run", onBehalfOf: "on_behalf_of", trace: "trace",
    atLeast: "at_least", limit: "limit", cursor: "cursor", log: "log", sort: "sort",
};

/** Whether an option may be there is known here; whether it fits the message, by the engine. */
export function checkOptions(options, known) {
    for (const key of Object.keys(options))
        if (!known.includes(key)) throw new BadOption(key, `is no option; there are ${known.join(", ")}`);
}

/** The port that takes messages of a type. */
export function portOf(type) {
    const port = Object.hasOwn(messages, type) ? messages[type].port : undefined;
    if (port === "commands" || port === "queries") return port;
    if (port === undefined) throw new BadMessage("type", `is ${type}, which this version of the client does not know`);
    throw new BadMessage("type", `is ${type}, which is for the ${port} port alone`);
}

export function requestOf(type, data = {}, options = {}, more = []) {
    const request = { type, id: options.id ?? newId() };

    checkOptions(options, [...Object.keys(KEYS), ...more]);
    if (typeof request.id !== "string" || request.id === "") throw new BadMessage("id", "must be a text of 1-64 bytes");
    if (typeof data !== "object" || data === null || Array.isArray(data)) throw new BadMessage("data", "must be an object");
    for (const [key, wire] of Object.entries(KEYS)) if (options[key] !== undefined) request[wire] = options[key];
    return { ...request, data };
}
