/** The order in which a process stops. What stands earlier may still use everything that stands later; `last` is for what all stood on, such as an
 * embedded database. */
export const stopPhases = ['not-ready', 'http', 'live', 'consumers', 'work', 'handlers', 'outbox', 'bus', 'children', 'telemetry', 'pools', 'last'] as const;
export type StopPhase = (typeof stopPhases)[number];
type Stop = () => void | Promise<void>;

/** Stops a process in one order that everybody knows. Killing it instead is safe, only slower for those who wait. */
export class Shutdown {
  readonly #steps = new Map<StopPhase, Stop[]>();
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;

  /** Aborts when stopping begins: loops that wait look here. */
  get signal(): AbortSignal { return this.#abort.signal; }
  get isStopping(): boolean { return this.#abort.signal.aborted; }

  /** Has `stop` called in its phase, at the same time as the others of that phase. The next phase waits for all of them. */
  onStop(phase: StopPhase, stop: Stop): void {
    this.#steps.set(phase, [...this.#steps.get(phase) ?? [], stop]);
  }

  /** Runs all phases once, however often it is called. A step that fails does not keep later ones from stopping.
   * @throws AggregateError of everything that failed, after the last phase */
  run(): Promise<void> {
    this.#running ??= this.#stop();
    return this.#running;
  }

  async #stop(): Promise<void> {
    this.#abort.abort();
    const failures: unknown[] = [];
    for (const phase of stopPhases) {
      const ended = await Promise.allSettled((this.#steps.get(phase) ?? []).map(async (stop) => { await stop(); }));
      failures.push(...ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : [])));
    }
    if (failures.length) throw new AggregateError(failures, 'not everything stopped cleanly');
  }
}
