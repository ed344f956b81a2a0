import type { ChildProcess } from 'node:child_process';
import type { Failure } from '@agent-etl/contracts';
import { exitCodes } from '../session/exit-codes.ts';

export type Archive = 'backup' | 'restore';
const left: Readonly<Record<Archive, { text: string; next: string }>> = {
  backup: { text: 'no file was made; one that ends in .part beside it is none.', next: 'run the same command again' },
  restore: { text: 'its target holds all of the backup or no row of it.', next: 'run the same command again: a target that holds it is refused as not empty' },
};
/** How a program ended that had no time to say what it left: by a second signal, which it obeys at once, or by something else. */
export const lostBy = (work: Archive, code: number | null, signal: NodeJS.Signals | null): Failure => (signal === null && code === exitCodes.interrupted
  ? { code: 'run.cancelled', traceId: null, text: `The ${work} was left at once, without waiting for its end: ${left[work].text}`, next: left[work].next }
  : { code: 'platform.unavailable', traceId: null, text: `The ${work} was ended by ${signal ?? `its exit with ${code ?? 'nothing'}`}: ${left[work].text}`, next: left[work].next });

const handed = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C may come twice: from the terminal, which tells its whole group, and from whoever started this and hands it on. Nobody means a second one that soon. */
const ONE_MS = 500;
/** Hands signals on to the program; it says how it ended. Who sends a second one, later than that, waits no longer.
 * @param from what hears the signals: this process, but in tests */
export function forwardSignals(child: Pick<ChildProcess, 'kill'>, onFirst: () => void, from: Pick<NodeJS.EventEmitter, 'on' | 'off'> = process): { stop(): void } {
  let handedAt: number | null = null;
  const hand = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (handedAt === null) onFirst();
    else if (now - handedAt < ONE_MS) return;
    handedAt = now;
    child.kill(signal);
  };
  const leave = (): void => { child.kill('SIGTERM'); };
  for (const signal of handed) from.on(signal, hand);
  from.on('exit', leave);
  return { stop: () => { for (const signal of handed) from.off(signal, hand); from.off('exit', leave); } };
}
