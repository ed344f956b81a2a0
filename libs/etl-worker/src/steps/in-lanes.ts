/** Works through a queue with several hands. The first failure stops the others and is the one that is thrown, once all hands are still.
 * @param beside further work that shares the fate of the lanes */
export async function inLanes<T>(
  items: readonly T[], options: { lanes: number; signal: AbortSignal; beside?: (signal: AbortSignal) => Promise<void> },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const queue = [...items];
  const failed: unknown[] = [];
  const guarded = async (run: () => Promise<void>): Promise<void> => {
    try {
      await run();
    } catch (error) {
      failed.push(error);
      stop.abort(error);
    }
  };
  const lane = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined && !signal.aborted; item = queue.shift()) await work(item, signal);
  };
  const hands = Array.from({ length: Math.min(options.lanes, items.length) }, () => guarded(lane));
  const beside = options.beside;
  if (beside) hands.push(guarded(() => beside(signal)));
  await Promise.all(hands);
  options.signal.throwIfAborted();
  if (failed.length > 0) throw failed[0];
}
