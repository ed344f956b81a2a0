import type { ExprDialect, SafeSql } from '@agent-etl/sql-safety';

/** A row of control data: NULL, a boolean, a text, or a number whose text is its value. */
export type EngineRow = Readonly<Record<string, unknown>>;

/** What computes statements that sql-safety compiled. It runs them for one attempt of one task, and is stopped with it. */
export interface QueryEngine<D extends ExprDialect> {
  readonly dialect: D;
  /** Runs a statement and answers its rows: control data, a few thousand at most. What sql-safety did not compile for this dialect is refused before it is sent.
   * @throws TypeError for a statement that was not compiled; EtlError `data.value-out-of-range`, `query.memory-exceeded`, `connection.*`, `platform.*`, none of which holds a value of a row in its words;
   * the signal's reason when it aborts */
  query(statement: SafeSql<D>, signal?: AbortSignal): Promise<readonly EngineRow[]>;
  /** Ends it and whatever it still runs; may be called twice. */
  stop(): Promise<void>;
}
