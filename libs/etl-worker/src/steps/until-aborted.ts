/** Waits for work that cannot be interrupted and leaves nothing behind, such as connecting or reading a catalogue. When the signal comes first, its reason is
 * thrown at once and whatever the work answers later counts for nothing. */
export async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => { reject(signal.reason as Error); };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
