// What the engine's schema says, for programs that show forms, labels or help.

export interface Labels {
    readonly english: string;
    readonly spanish: string;
}

/** Commands and queries by their type: the port that takes them; of lists where the rows stand. */
export const messages: Readonly<Record<string, { readonly port: "commands" | "queries" | "workers"; readonly rows?: string }>>;

/** Events by their type: what they belong to. */
export const events: Readonly<Record<string, { readonly aggregate: string }>>;

/** Refusals by their code. */
export const refusals: Readonly<Record<string, Labels & { readonly class: string; readonly sentence: string }>>;

/** Enumerators by their enumeration, and what people call them. */
export const enums: Readonly<Record<string, Readonly<Record<string, Labels>>>>;
