import { toFailure } from '@agent-etl/contracts';
import { StateDatabase, type TenantTx } from '@agent-etl/persistence';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DagArtifactsRepository, type Due } from './dag-artifacts.repository.ts';
import { RENDERING_CHANNEL, RenderingService } from './rendering.service.ts';

const batch = 20;
const awayMs = 2000;
/** A notification may be lost: rows are looked for without one, too. */
const longestSleepMs = 5_000;

/** Renders whatever waits, one plan at a time. Sleeps until a commit wakes it or a failed try is due again. */
@Injectable()
export class RenderingLoop implements OnApplicationBootstrap, OnApplicationShutdown {
  #listening: { close(): Promise<void> } | undefined;
  #running: Promise<void> = Promise.resolve();
  #wake: () => void = () => undefined;
  #isWoken = false;
  #isStopping = false;
  constructor(private readonly state: StateDatabase, private readonly artifacts: DagArtifactsRepository, private readonly rendering: RenderingService) {}

  async onApplicationBootstrap(): Promise<void> {
    this.#listening = await this.state.listen(RENDERING_CHANNEL, () => { this.wake(); });
    this.#running = this.#run();
  }
  async onApplicationShutdown(): Promise<void> {
    this.#isStopping = true;
    this.wake();
    await this.#running;
    await this.#listening?.close();
  }
  /** Something was committed that waits to be rendered. */
  wake(): void {
    this.#isWoken = true;
    this.#wake();
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      this.#isWoken = false;
      // The database may be away: every row is still there, so trying again is all there is to do.
      const pauseMs = await this.#drain().catch(() => awayMs);
      if (!this.#isStopping) await this.#sleep(pauseMs);
    }
  }
  async #drain(): Promise<number> {
    const tried = new Set<string>();
    let isStuck = false;
    for (;;) {
      const due = (await this.artifacts.due(batch)).filter((one) => !tried.has(keyOf(one)));
      if (due.length === 0 || this.#isStopping) break;
      for (const one of due) {
        tried.add(keyOf(one)); // in other hands, if it comes again
        if (!this.#isStopping) isStuck = !(await this.#render(one)) || isStuck;
      }
    }
    return isStuck ? awayMs : Math.min(longestSleepMs, Math.max(100, await this.artifacts.nextDueMs() ?? longestSleepMs));
  }
  /** Whatever is wrong with one plan keeps no other from its turn. Answers false when not even that could be noted. */
  async #render({ tenantId, planId }: Due): Promise<boolean> {
    const turns = [(tx: TenantTx) => this.rendering.render(tx, planId), (tx: TenantTx, error: unknown) => this.rendering.failed(tx, planId, error)];
    let failure: unknown;
    for (const turn of turns) {
      try { await this.state.inTenantTx(tenantId, (tx) => turn(tx, failure)); return true; } catch (error) {
        if (toFailure(error).code === 'platform.unavailable') throw error;
        failure = error;
      }
    }
    return false;
  }
  async #sleep(ms: number): Promise<void> {
    if (this.#isWoken) return;
    await new Promise<void>((done) => {
      const timer = setTimeout(done, ms);
      this.#wake = () => { clearTimeout(timer); done(); };
    });
  }
}
const keyOf = ({ tenantId, planId }: Due): string => `${tenantId} ${planId}`;
