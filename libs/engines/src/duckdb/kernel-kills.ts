import { readFileSync } from 'node:fs';

/** Processes that the kernel has killed for memory since it started, by a limit of a container or for the whole machine; null where it does not say. */
export function kernelKills(): number | null {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1];
    return count === undefined ? null : Number(count);
  } catch { return null; }
}

/** Whether a child that ended by a signal was killed by the kernel for its memory. The counter is the machine's, so a signal of ours is none, and a signal without a rise is somebody else's. */
export const isForMemory = ({ signal, isOurs, before, after }: { signal: string | null; isOurs: boolean; before: number | null; after: number | null }): boolean =>
  signal === 'SIGKILL' && !isOurs && before !== null && after !== null && after > before;
