import { StateDatabase } from '@agent-etl/persistence';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DagArtifactsRepository, type Due } from './dag-artifacts.repository.ts';
import { RENDERING_CHANNEL, RenderingService } from './rendering.service.ts';

const batch = 20;
const awayMs = 2000;
const longestSleepMs = 60_000;

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
    for (;;) {
      const due = (await this.artifacts.due(batch)).filter((one) => !tried.has(keyOf(one)));
      if (due.length === 0 || this.#isStopping) break;
      for (const one of due) {
        tried.add(keyOf(one)); // in other hands, if it comes again
        if (!this.#isStopping) await this.state.inTenantTx(one.tenantId, (tx) => this.rendering.render(tx, one.planId));
      }
    }
    return Math.min(longestSleepMs, Math.max(100, await this.artifacts.nextDueMs() ?? longestSleepMs));
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
