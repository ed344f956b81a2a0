/** Runs one statement on a database of PostgreSQL and answers its rows. */
export type Ask = <T extends object>(text: string, values?: readonly unknown[]) => Promise<T[]>;
interface Said { readonly what: string }

/** Rows of a query that says in words what is not so. */
export const saidBy = async (ask: Ask, text: string, values: readonly unknown[] = []): Promise<string[]> => (await ask<Said>(text, values)).map(({ what }) => what);
