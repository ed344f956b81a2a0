import type { OpenConnection, Source, Writer } from '@agent-etl/connectors';
import type { Progress, TaskCommand } from '@agent-etl/contracts';
import type { SecretStore } from '@agent-etl/secrets';
import type { StoredCut } from '../chunks/chunks.repository.ts';

/** The cut of a load as one attempt may see and write it.
 * Writing throws EtlError `lease.lost` when the attempt does not own its task any more: a sleeper must not overwrite its successor's cut. */
export interface CutStore {
  find(): Promise<StoredCut | null>;
  replace(cut: StoredCut): Promise<void>;
  handOn(snapshot: string | null): Promise<void>;
  /** Makes a later attempt cut anew and start over. */
  forget(): Promise<void>;
}

/** What a step may use. It decides no retry and reports nothing but progress: it answers a result or throws. */
export interface StepContext {
  readonly command: TaskCommand;
  /** Connections that may move rows at once on each end: what the claim was granted. */
  readonly lanes: number;
  /** Name of the worker in fences and ledgers. */
  readonly worker: string;
  /** Aborted with the EtlError that says why the step must stop. */
  readonly signal: AbortSignal;
  readonly cuts: CutStore;
  /** Opens a connection of the command by its name, once; it is closed with the attempt. */
  open(connection: string): Promise<OpenConnection>;
  /** A source whose steps are computed on Spark. @throws EtlError `request.unsupported` when no Spark is configured */
  onSpark(source: Source): Promise<Source>;
  /** Asks whether the claim stands. @throws EtlError `lease.lost` and whatever else stops the attempt */
  beat(): Promise<void>;
  report(progress: Progress): void;
  /** Ended once the outcome is written: until then another attempt may need what this one held. */
  keep(held: Kept): void;
  /** Private folder of the attempt; the worker empties it. */
  scratch(): Promise<string>;
  /** Opens references of secrets, such as keys of masks. */
  secrets(): Promise<SecretStore>;
}

/** What an attempt holds until its outcome is written. @property leave lets go of it without ending it, for a next attempt */
export interface Kept { close(): Promise<void>; leave?(): Promise<void> }

/** Who writes, in the words of fence and ledger. @param load the load task, which its publish shares */
export const writerOf = ({ command, worker }: StepContext, load: string): Writer =>
  ({ runId: command.runId, task: load, attempt: command.attempt, holder: worker });
