import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LoadTask, digestText } from '@agent-etl/contracts';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenConnection } from './port.ts';
import { Seeded } from './expressions/seeded.ts';
import { type Fault, type FaultProxy, aFaultProxy } from './postgres/testing/fault-proxy.ts';

class Offsets extends Seeded {
  below(end: number): number { return Math.floor(this.random() * end); }
}
const SEED = 20_261_201;
/** All offsets of the goal, and each with a line that goes silent or drips, where somebody asks for that; a few of them otherwise. */
const isWhole = process.env['ETL_TEST_FAULTS'] === 'all';
const [CUTS, STALLS, DRIPS] = isWhole ? [50, 50, 50] : [12, 3, 1];
/** When a line that went silent is given up, and within which time whoever waited for it must have let go. */
const [GIVEN_UP_MS, LETS_GO_MS] = [400, 5_000];

/** A server with a table `lines` of 20,000 rows and about 2 MB, reached straight and over a line that breaks. */
export interface BrokenLines {
  readonly server: { readonly host: string; readonly port: number };
  open(at: { readonly host: string; readonly port: number }): Promise<OpenConnection>;
  /** The copy of the table into another one of the same server. */
  load(direct: OpenConnection): Promise<LoadTask>;
  /** Staging tables, and sessions of the connector, as the server counts them. */
  left(): Promise<{ staging: number; sessions: number }>;
  close(): Promise<void>;
}

/** F13: a line that is cut, half open or dripping in the middle of a copy, at seeded offsets over all of its bytes. */
export function describeBrokenLines(name: string, make: () => Promise<BrokenLines>): void {
  describe(`${name}: a line that breaks in the middle of a copy`, () => {
    let [lines, proxy, task] = [undefined as unknown as BrokenLines, undefined as unknown as FaultProxy, undefined as unknown as LoadTask];
    let [direct, broken] = [undefined as unknown as OpenConnection, undefined as unknown as OpenConnection];
    beforeAll(async () => {
      lines = await make();
      proxy = await aFaultProxy(lines.server);
      [direct, broken] = await Promise.all([lines.open(lines.server), lines.open({ host: '127.0.0.1', port: proxy.port })]);
      task = await lines.load(direct);
    }, 60_000);
    afterAll(async () => {
      await Promise.all([direct?.close(), broken?.close()]);
      await proxy?.close();
      await lines?.close();
    }, 60_000);

    const { signal: never } = new AbortController();
    /** One piece from one end to the other; a fault strikes once both ends stand. */
    async function piece([from, to]: readonly [OpenConnection, OpenConnection], fault: Fault | null, signal = never): Promise<{ told: string; carried: FaultProxy['carried'] }> {
      proxy.strike(null);
      const [session, sink] = [await from.source.begin(task, null), await to.sink.begin(task, { runId: randomUUID(), task: 'load', attempt: 1, holder: 'tests' })];
      try {
        await sink.raise();
        await sink.prepare({ fresh: 'start-over' });
        const [range] = await session.cut();
        proxy.strike(fault);
        const writer = await sink.begin(range!, signal);
        if (writer === 'done') throw new Error('nothing was written yet');
        try {
          const { rows, bytes, digest } = await session.read(range!, { to: writer.to, onRead: () => undefined, signal });
          const answer = await writer.commit({ rows, rejected: 0, bytes, digest }, signal);
          return { told: `${answer} ${rows} ${digest === null ? '' : digestText(digest)}`, carried: { ...proxy.carried } };
        } catch (cause) {
          await writer.abort(cause);
          throw cause;
        }
      } finally {
        proxy.strike(null);
        await sink.discard().catch(() => undefined);
        await Promise.allSettled([session.close(), sink.close()]);
      }
    }
    const codeOf = (work: Promise<{ told: string }>): Promise<string> => work.then(({ told }) => told, (error: { code?: string; message: string }) => error.code ?? error.message);
    /** Nothing of what broke is there after at most five seconds. */
    async function expectClean(): Promise<void> {
      let left = await lines.left();
      for (const until = performance.now() + 5_000; left.sessions + left.staging > 0 && performance.now() < until; await delay(50)) left = await lines.left();
      expect(left).toEqual({ staging: 0, sessions: 0 });
    }

    describe.each(['to-client', 'to-server'] as const)('%s', (way) => {
      const ends = (): readonly [OpenConnection, OpenConnection] => (way === 'to-client' ? [broken, direct] : [direct, broken]);
      let whole = { told: '', bytes: 0 };
      beforeAll(async () => {
        const { told, carried } = await piece(ends(), null);
        whole = { told, bytes: carried[way] };
      }, 60_000);
      /** Places all over the bytes of one copy: its first ones, those around its packets, and seeded ones. */
      const offsets = (count: number): number[] => {
        const seeded = new Offsets(SEED);
        const edges = [1, 5, 19, 21, 8_192, 65_536];
        return Array.from({ length: count }, (_, nth) => (nth < edges.length && count >= edges.length ? edges[nth]! : 1 + seeded.below(whole.bytes - 20)));
      };
      it('that is cut is told as interrupted, wherever it is cut, and leaves a clean server', async () => {
        for (const afterBytes of offsets(CUTS)) {
          const told = await codeOf(piece(ends(), { is: 'cut', way, afterBytes }));
          expect([afterBytes, told]).toEqual([afterBytes, expect.stringMatching(/^connection\.(interrupted|unreachable)$/)]);
        }
        await expectClean();
      }, 240_000);
      it('that goes silent holds nobody past the moment it is given up', async () => {
        for (const afterBytes of offsets(STALLS)) {
          const stop = new AbortController();
          let stoppedAt = 0;
          const timer = setTimeout(() => { stoppedAt = performance.now(); stop.abort(new Error('given up')); }, GIVEN_UP_MS);
          const told = await Promise.race([codeOf(piece(ends(), { is: 'stall', way, afterBytes }, stop.signal)), delay(GIVEN_UP_MS + 2 * LETS_GO_MS, 'it hangs', { ref: false })]);
          clearTimeout(timer);
          // What was sent into silence is found out when its commit is not answered, or nobody can be asked about it.
          expect([afterBytes, told, performance.now() - stoppedAt < LETS_GO_MS]).toEqual([afterBytes, expect.stringMatching(/^(given up|connection\.(interrupted|unreachable))$/), true]);
        }
        await expectClean();
      }, 240_000);
      it('that drips carries every row', async () => {
        for (const afterBytes of isWhole ? offsets(DRIPS).map((offset) => Math.max(offset, whole.bytes - 200_000)) : [1]) {
          expect((await piece(ends(), { is: 'drip', way, afterBytes })).told).toBe(whole.told);
        }
      }, 240_000);
    });
  });
}
