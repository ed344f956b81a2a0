import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const program = join(import.meta.dirname, '../../../../tools/provision/kafka/start.mjs');

/** A broker of its own, in a process that obeys lines: it is killed by tests, and others may be using the shared one. */
export class OwnBroker {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  brokers: readonly string[] = [];
  private constructor() {
    this.#child = spawn(process.execPath, [program, '--json'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }
  static async open(): Promise<OwnBroker> {
    const broker = new OwnBroker();
    broker.brokers = (await broker.#answer()).brokers ?? [];
    return broker;
  }
  kill(): Promise<void> { return this.#tell('kill'); }
  /** Brings it back with its ports and its data. */
  start(): Promise<void> { return this.#tell('start'); }
  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin!.end();
    await ended;
  }
  async #tell(what: 'kill' | 'start'): Promise<void> {
    this.#child.stdin!.write(`${what}\n`);
    await this.#answer();
  }
  async #answer(): Promise<{ brokers?: string[] }> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the broker process ended');
    return JSON.parse(value) as { brokers?: string[] };
  }
}
