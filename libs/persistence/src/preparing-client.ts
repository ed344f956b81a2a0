import pg from 'pg';
import { isStalePlan } from './database-errors.ts';

/** Texts that one connection keeps prepared: the services have about two hundred, and what is built of varying parts must not fill the server's memory. */
const MOST = 256;
type Callback = (error: Error | null, result: unknown) => void;

/** A connection that prepares each text with values the second time it is sent: the server then neither parses nor, after some rounds, plans it again, which is
 * half of what a short statement costs. A plan whose columns a migration has changed is refused by the server (`0A000`); all are forgotten then, and the transaction is asked again by whoever repeats it.
 * Protocol: PostgreSQL manual, "Extended Query", and "Prepare" on generic plans. */
export class PreparingClient extends pg.Client {
  private readonly names = new Map<string, string | null>();
  private made = 0;

  override query: pg.Client['query'] = ((...args: unknown[]) => {
    const [text, values, callback] = args as [unknown, unknown, Callback | undefined];
    const send = pg.Client.prototype.query.bind(this) as (...given: unknown[]) => unknown;
    const name = typeof text === 'string' && Array.isArray(values) && values.length ? this.nameOf(text) : null;
    if (!name) return send(...args);
    const asked = { name, text, values };
    if (callback) return send(asked, (error: Error | null, result: unknown) => { if (isStalePlan(error)) this.names.clear(); callback(error, result); });
    return (send(asked) as Promise<unknown>).catch((error: unknown) => { if (isStalePlan(error)) this.names.clear(); throw error; });
  }) as pg.Client['query'];

  /** Texts that were sent once make room. */
  private note(text: string): void {
    if (this.names.size >= MOST) for (const [one, name] of this.names) if (name === null) this.names.delete(one);
    if (this.names.size < MOST) this.names.set(text, null);
  }
  /** Names are never used twice: what was forgotten stays behind at the server until the connection ends. */
  private nameOf(text: string): string | null {
    const known = this.names.get(text);
    if (known) return known;
    if (known === undefined) { this.note(text); return null; }
    const name = `s${(this.made += 1)}`;
    this.names.set(text, name);
    return name;
  }
}
