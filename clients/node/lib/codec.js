// codec.js - MessagePack as the engine writes it: shortest integers, no floats, no nil. Integers are Numbers where these are exact,
// else BigInts.
import { Decoder, Encoder } from "@msgpack/msgpack";
import { BadMessage } from "./errors.js";

const DEEPEST = 16;
const LARGEST = 2n ** 64n - 1n, SMALLEST = -(2n ** 63n);
const LONE_SURROGATE = /\p{Surrogate}/u;

// ---- writing ----------------------------------------------------------------------------------------------------------------

/** Makes a key of one's own also of `__proto__`. */
function put(map, key, value) {
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

function text(value, path) {
    if (LONE_SURROGATE.test(value)) throw new BadMessage(path, "has half a surrogate pair, which is no text");
    return value;
}

/** What the encoder writes shortest: a Number up to 32 bits, a BigInt above. */
function integer(value, path) {
    if (typeof value === "number" && !Number.isSafeInteger(value))
        throw new BadMessage(path, `is ${value}: no whole number, or too large for a Number; use a BigInt above 2^53`);
    if (value > LARGEST || value < SMALLEST) throw new BadMessage(path, "does not fit into 64 bits");
    return value >= -0x80000000 && value < 0x100000000 ? Number(value) : BigInt(value);
}

function map(value, path, depth) {
    const prototype = Object.getPrototypeOf(value), made = {};
    if (prototype !== null && prototype !== Object.prototype) throw new BadMessage(path, "must be a plain object");
    for (const key of Object.keys(value)) {
        if (value[key] === undefined) continue; // as if it were not there
        const below = path === "" ? key : `${path}.${key}`;
        put(made, text(key, below), toWire(value[key], below, depth + 1));
    }
    return made;
}

function toWire(value, path, depth) {
    if (typeof value === "string") return text(value, path);
    if (typeof value === "boolean") return value;
    if (typeof value === "number" || typeof value === "bigint") return integer(value, path);
    if (typeof value !== "object" || value === null)
        throw new BadMessage(path, `is ${value === null ? "null" : typeof value}: leave out what there is not`);
    if (depth > DEEPEST) throw new BadMessage(path, `is nested deeper than ${DEEPEST}`);
    if (Array.isArray(value)) return Array.from(value, (item, i) => toWire(item, `${path}[${i}]`, depth + 1));
    return map(value, path, depth);
}

/** The bytes of a value; keys that are undefined are left out. BadMessage names the field that cannot be sent. */
export function encode(value) {
    return new Encoder({ useBigInt64: true }).encode(toWire(value, "", 1));
}

/** An array of values that are encoded already; of one, that itself. */
export function arrayOf(encoded) {
    if (encoded.length === 1) return encoded[0];
    const head = encoded.length < 16 ? [0x90 | encoded.length] : [0xdc, encoded.length >> 8, encoded.length & 0xff];
    return Buffer.concat([Buffer.from(head), ...encoded]);
}

// ---- reading ----------------------------------------------------------------------------------------------------------------

// A key that would replace an object's prototype: what a customer may write into parameters must neither do that nor make the
// message unreadable. It is a symbol until the value is complete.
const PROTO = Symbol("__proto__");

const keyDecoder = {
    canBeCached: (size) => size > 0,
    decode(bytes, offset, size) {
        const key = Buffer.from(bytes.buffer, bytes.byteOffset + offset, size).toString();
        return key === "__proto__" ? PROTO : key;
    },
};

function mapKeyConverter(key) {
    if (typeof key === "string" || key === PROTO) return key;
    throw new TypeError(`a key is ${typeof key}, not a text`);
}

function fromWire(value) {
    if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
    for (const key of Object.keys(value)) value[key] = fromWire(value[key]);
    if (Object.hasOwn(value, PROTO)) {
        put(value, "__proto__", fromWire(value[PROTO]));
        delete value[PROTO];
    }
    return value;
}

const decoder = new Decoder({ useBigInt64: true, keyDecoder, mapKeyConverter });

/** The value of some bytes; throws what the decoder does when they are no MessagePack. */
export function decode(bytes) {
    return fromWire(decoder.decode(bytes));
}
