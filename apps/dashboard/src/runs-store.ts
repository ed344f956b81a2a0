import { LiveRunView, endpoints } from '@agent-etl/contracts';
import { useEffect, useSyncExternalStore } from 'react';
import { api } from './api.ts';
import { LiveFeed } from './live.ts';
import { token } from './session.ts';

export interface RunsState { readonly runs: readonly LiveRunView[]; readonly loaded: boolean; readonly problem: string | null }
const address = (): string => `${location.origin.replace(/^http/, 'ws')}/v1/live?token=${encodeURIComponent(token ?? '')}`;
export const live = new LiveFeed(address());

/** Runs by id, newest first. Frames patch it; what was fetched never overwrites a newer frame. */
class RunsStore {
  readonly #byId = new Map<string, LiveRunView>();
  readonly #watchers = new Set<() => void>();
  #state: RunsState = { runs: [], loaded: false, problem: null };
  constructor() {
    live.on('runs', (event) => { this.#take([LiveRunView.parse(event)]); });
    live.onReset(() => { void this.load(); });
    live.watch(() => { if (live.state() === 'live' && this.#state.problem !== null) void this.load(); });
  }
  watch = (changed: () => void): (() => void) => { this.#watchers.add(changed); return () => { this.#watchers.delete(changed); }; };
  state = (): RunsState => this.#state;
  get(runId: string): LiveRunView | undefined { return this.#byId.get(runId); }

  async load(): Promise<void> {
    await this.#fetch(async () => (await api.call(endpoints.listRunViews, { query: { limit: 200 } })).items);
  }
  async loadOne(runId: string): Promise<void> {
    await this.#fetch(async () => [await api.call(endpoints.getRunView, { params: { runId } })]);
  }
  async #fetch(rows: () => Promise<LiveRunView[]>): Promise<void> {
    try { this.#take(await rows(), null); } catch (error) { this.#set({ ...this.#state, loaded: true, problem: error instanceof Error ? error.message : 'unknown' }); }
  }
  #take(rows: readonly LiveRunView[], problem = this.#state.problem): void {
    for (const row of rows) if (row.seq >= (this.#byId.get(row.runId)?.seq ?? 0)) this.#byId.set(row.runId, row);
    const runs = [...this.#byId.values()].sort((a, b) => b.startedAt.localeCompare(a.startedAt) || b.runId.localeCompare(a.runId));
    this.#set({ runs, loaded: true, problem });
  }
  #set(state: RunsState): void { this.#state = state; for (const changed of this.#watchers) changed(); }
}
export const runsStore = new RunsStore();

export function useRuns(): RunsState {
  useEffect(() => { void runsStore.load(); }, []);
  return useSyncExternalStore(runsStore.watch, runsStore.state);
}
export function useRun(runId: string): { run: LiveRunView | undefined; loaded: boolean; problem: string | null } {
  useEffect(() => { void runsStore.loadOne(runId); }, [runId]);
  const { loaded, problem } = useSyncExternalStore(runsStore.watch, runsStore.state);
  return { run: runsStore.get(runId), loaded, problem };
}
export const useLink = () => useSyncExternalStore(live.watch, live.state);
/** Changes once a second, for ages and durations of what still runs. */
export function useNow(): number { return useSyncExternalStore(clockWatch, clockNow); }
let now = Date.now();
const clockWatchers = new Set<() => void>();
const clockNow = (): number => now;
const clockWatch = (changed: () => void): (() => void) => { clockWatchers.add(changed); return () => { clockWatchers.delete(changed); }; };
setInterval(() => { now = Date.now(); for (const changed of clockWatchers) changed(); }, 1000);
