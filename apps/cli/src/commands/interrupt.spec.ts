import { afterEach, describe, expect, it } from '@jest/globals';
import type { Client } from '@agent-etl/api-client';
import { RunId } from '@agent-etl/contracts';
import { setTimeout as delay } from 'node:timers/promises';
import { Output } from '../session/output.ts';
import { type Interrupt, onInterrupt } from './interrupt.ts';

const runId = RunId.parse('018f0000-0000-7000-8000-000000000001');
let interrupt: Interrupt | undefined;
afterEach(() => { interrupt?.stop(); });

function aTerminal(options: { json?: boolean } = {}) {
  const said = { out: '', err: '', cancelled: [] as unknown[], left: [] as number[] };
  const stream = (name: 'out' | 'err') => ({ write: (text: string) => { said[name] += text; return true; } }) as unknown as NodeJS.WritableStream;
  const client = { call: async (_: unknown, { params }: { params: unknown }) => { said.cancelled.push(params); return {}; } } as unknown as Client;
  interrupt = onInterrupt(new Output(options, {}, { out: stream('out'), err: stream('err') }), (code) => { said.left.push(code); });
  return { said, client, interrupt };
}
const ctrlC = (): unknown => process.emit('SIGINT', 'SIGINT');

describe('Ctrl-C', () => {
  it('cancels the run once, also when the terminal and a parent both say so', () => {
    const { said, client, interrupt: on } = aTerminal();
    on.cancels(client, runId);
    ctrlC();
    ctrlC();
    expect([said.cancelled, said.left, on.wasAsked]).toEqual([[{ runId }], [], true]);
    expect(said.err).toBe(' cancelling at the next chunk boundary; Ctrl-C again leaves without waiting\n');
  });
  it('reaches a run that begins after it', () => {
    const { said, client, interrupt: on } = aTerminal();
    ctrlC();
    expect([said.cancelled, said.err]).toEqual([[], ' cancelling as soon as the run begins; Ctrl-C again leaves\n']);
    on.cancels(client, runId);
    expect(said.cancelled).toEqual([{ runId }]);
  });
  it('leaves at once the second time, and says what becomes of the run, in one document where scripts read', async () => {
    const { said, client, interrupt: on } = aTerminal({ json: true });
    on.cancels(client, runId);
    ctrlC();
    await delay(120);
    ctrlC();
    expect(said.left).toEqual([130]);
    expect(JSON.parse(said.out)).toEqual({ error: { code: 'run.cancelled', text: `Left before run ${runId} had ended; it was told to stop.`, next: `agent-etl watch ${runId}`, traceId: null } });
  });
});
