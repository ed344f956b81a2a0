import type { LoadTask } from '@agent-etl/contracts';
import type { ConnectorTools, Source, SourceSession } from '../port.ts';
import type { FileGate } from './file-gate.ts';
import { FileSession } from './file-session.ts';
import { openSource } from './opened-source.ts';

/** Reads one file: one piece, always. */
export class FileSource implements Source {
  readonly offers = ['frames', 'text', 'file'] as const;
  private readonly gate: FileGate;
  private readonly tools: ConnectorTools;
  constructor(gate: FileGate, tools: ConnectorTools) {
    this.gate = gate;
    this.tools = tools;
  }

  /** A file has no snapshots, so a new attempt reads it as it is now, if it still has its shape. */
  async begin(task: LoadTask): Promise<SourceSession> { return new FileSession(task, await openSource(this.gate, task, this.tools.scratch), this.tools); }
}
