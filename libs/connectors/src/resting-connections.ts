/** How long a connection waits for its next use: the tasks of a run follow each other within a tenth of a second, runs within minutes. */
const KEPT_MS = 2_000;
/** Connections of one login that wait at once; whoever comes back to a full house goes home. */
const MOST = 4;

/** A connection that nobody uses. It is as it was when it was dialled: what the last user had set is undone before it rests. */
export interface Resting { readonly isBroken: boolean; end(): Promise<void> }
interface Rest { readonly connection: Resting; readonly timer: NodeJS.Timeout }

/** Connections of one worker between two uses. Dialling one costs the other side a process and its caches: 10 to 40 ms until the first answer. */
export class RestingConnections {
  readonly #resting = new Map<string, Rest[]>();
  #isClosed = false;
  constructor(private readonly limits: { readonly keptMs: number; readonly most: number } = { keptMs: KEPT_MS, most: MOST }) {}

  /** The same for one tenant: none gets what another has dialled. */
  of(tenant: string): TenantRest {
    return { take: (login) => this.#take(`${tenant} ${login}`), keep: (login, connection) => this.#keep(`${tenant} ${login}`, connection) };
  }
  #take(login: string): Resting | undefined {
    const resting = this.#resting.get(login) ?? [];
    for (let rest = resting.pop(); rest; rest = resting.pop()) { // the last is the warmest, and the others may go
      clearTimeout(rest.timer);
      if (!rest.connection.isBroken) return rest.connection;
    }
    this.#resting.delete(login);
    return undefined;
  }
  async #keep(login: string, connection: Resting): Promise<void> {
    const resting = this.#resting.get(login) ?? [];
    if (this.#isClosed || connection.isBroken || resting.length >= this.limits.most) return connection.end();
    this.#resting.set(login, resting);
    const timer = setTimeout(() => { void this.#drop(login, connection); }, this.limits.keptMs);
    timer.unref();
    resting.push({ connection, timer });
  }
  async #drop(login: string, connection: Resting): Promise<void> {
    const left = (this.#resting.get(login) ?? []).filter((rest) => rest.connection !== connection);
    if (left.length > 0) this.#resting.set(login, left); else this.#resting.delete(login);
    await connection.end();
  }
  /** Says goodbye to all of them, and to whatever comes back later. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#resting.values()].flat();
    this.#resting.clear();
    for (const { timer } of all) clearTimeout(timer);
    await Promise.all(all.map(({ connection }) => connection.end()));
  }
}
/** @property take answers a connection of this very login, or nothing · `keep` lets one rest, or ends it; nobody waits for that */
export interface TenantRest { take(login: string): Resting | undefined; keep(login: string, connection: Resting): Promise<void> }
