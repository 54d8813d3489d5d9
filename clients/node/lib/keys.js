// keys.js - what a connection to an encrypted port takes: the engine's public key, and a pair of one's own, in Z85.
import { BadOption } from "./errors.js";

const Z85 = /^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/;

/** As zeromq's options for a socket; none without keys. BadOption: they are none. */
export function curve(keys) {
    if (keys === undefined) return {};
    for (const name of ["server", "public", "secret"])
        if (typeof keys?.[name] !== "string" || !Z85.test(keys[name]))
            throw new BadOption(`keys.${name}`, "is not 40 characters of Z85");
    return { curveServerKey: keys.server, curvePublicKey: keys.public, curveSecretKey: keys.secret };
}
