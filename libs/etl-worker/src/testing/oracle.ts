import { setTimeout as sleep } from 'node:timers/promises';
import { type Ask, saidBy } from './oracle/ask.ts';
import { type End, ofData } from './oracle/data.ts';
import { type LedgerOf, type Pieces, ofLedger } from './oracle/ledger.ts';
import { ofSystemBus, ofWorkerBus } from './oracle/messages.ts';
import { ofReceipt } from './oracle/receipt.ts';
import { ofRun, ofSignals } from './oracle/run-rules.ts';
import { factsOf } from './oracle/system.ts';
import { type Places, ofTraces } from './oracle/traces.ts';

/** One run, after whatever befell it.
 * @property state database of the services, asked as its superuser
 * @property publicKey PEM with which receipts verify; null where a worker ran alone, without the services that make them
 * @property ledger where it is; `ask` is the target's database for a table, the state for files
 * @property rows that its pieces add up to, where the services do not say; null: nobody knows
 * @property ends both, to be compared row by row; null where they are other rows by intention, as of a history, or no tables
 * @property places where nothing may be left; null while other runs go on there */
export interface Case {
  readonly runId: string; readonly state: Ask; readonly publicKey: string | null; readonly ledger: { readonly ask: Ask; readonly of: LedgerOf }; readonly rows?: number | null;
  readonly ends: { readonly source: End; readonly target: End } | null; readonly places: Places | null;
}
const WITHIN_MS = 5_000;

/** The universal oracle: what is not so after a fault, in words; nothing where all of it holds. Whatever needs a moment to go gets `withinMs`. It judges
 * 1 data: every row is in the target as often as in the source, with a key or without; else lost and doubled rows are named ·
 * 2 ledger: one row per piece, filled; pieces and rows are those of the load; published once; no older fence behind a newer ·
 * 3 state: every attempt and every run has ended, the run by its deadline, by a legal path, and nothing follows ·
 * 4 bus: each attempt said one end; all was sent, and taken once by each reader or kept as a dead letter; nothing waits ·
 * 5 hygiene: no staging, transaction, lock, half file or scrap, and where asked no session ·
 * 6 signals: the receipt verifies with the key, adds up and says what the tasks said; view and live feed show that end and no other.
 * 3, 4 and 6 are whole only where there are services: of a worker alone its tasks and its outbox are asked. It cannot judge: lineage events and a chained audit log, which the product does not have (the messages of
 * a run stand for them); what a broker holds beside inbox and outbox, such as records of aborted transactions; children and descriptors of a process, which whoever has the process looks at; rows of files, for which
 * a second reading is asked; targets in MySQL and SQLite, whose own suites look there.
 * It runs as it stands under a Node that strips types: it imports nothing of the workspace but contracts. */
export async function unsound(of: Case, withinMs = WITHIN_MS): Promise<string[]> {
  let left: string[] = [];
  for (const until = performance.now() + withinMs; ; await sleep(50)) {
    left = [...of.publicKey === null ? await ofWorker(of) : await ofServices(of, of.publicKey), ...await ofTasks(of), ...of.places ? await ofTraces(of.state, of.places) : []];
    if (left.length === 0 || performance.now() > until) break;
  }
  return [...of.ends ? await ofData(of.ends.source, of.ends.target) : [], ...left];
}
const ledgerOf = ({ runId, ledger: { ask, of } }: Case, pieces: Pieces): Promise<string[]> => ofLedger(ask, { runId, of, pieces });

async function ofWorker(of: Case): Promise<string[]> {
  return [...await ledgerOf(of, { rows: of.rows ?? null, count: null }), ...await ofWorkerBus(of.state, of.runId)];
}
async function ofServices(of: Case, publicKey: string): Promise<string[]> {
  const facts = await factsOf(of.state, of.runId);
  if (!facts) return [`nobody knows run ${of.runId}`];
  const load = facts.tasks.find(({ kind }) => kind === 'load')?.result;
  const pieces = load?.kind === 'load' ? { rows: of.rows ?? load.written, count: load.chunks } : { rows: null, count: null };
  const keys = [of.runId, ...facts.tasks.map(({ taskRunId }) => taskRunId)];
  const isGreen = facts.state === 'succeeded';
  return [...ofRun(facts), ...ofSignals(facts), ...ofReceipt(facts, publicKey), ...isGreen ? await ledgerOf(of, pieces) : [], ...await ofSystemBus(of.state, keys), ...await ofWorkerBus(of.state, of.runId)];
}
const ofTasks = ({ state, runId }: Case): Promise<string[]> => saidBy(state, `
  select kind || ' attempt ' || attempt || ' is ' || state as what from worker.task where run_id = $1 and state in ('waiting', 'running')
  union all select kind || ' succeeded ' || count(*) || ' times' from worker.task where run_id = $1 and state = 'succeeded' group by kind, task_run_id having count(*) > 1`, [runId]);
