/** Who this worker is, and how long its word counts. */
export class WorkerSettings {
  /** Name of the process in claims, fences and events. */
  readonly worker: string;
  readonly slots: number;
  readonly leaseMs: number;
  /** How long tasks are remembered after their end. */
  readonly keptMs: number;
  constructor(settings: { worker: string; slots: number; leaseMs: number; keptMs: number }) {
    this.worker = settings.worker;
    this.slots = settings.slots;
    this.leaseMs = settings.leaseMs;
    this.keptMs = settings.keptMs;
  }
  /** A beat every third of a lease: two may be lost. */
  get beatMs(): number { return this.leaseMs / 3; }
  /** How often a worker looks for work and for silent colleagues without being told. */
  get lookMs(): number { return Math.min(5_000, Math.max(200, this.beatMs)); }
}
