import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DeadLettersService } from './dead-letters/dead-letters.service.ts';
import { LiveHub } from './feed/live-hub.service.ts';
import { MetricsService } from './metrics/metrics.service.ts';

export const LIVE_SOCKETS = Symbol('monitor live sockets');
/** The part of the platform that upgrades HTTP connections. */
export interface LiveSockets { handle(path: string, join: (socket: import('ws').WebSocket, caller: { tenantId: string }) => void): void }

/** Starts and stops what runs beside requests: the live feed, the collector of dead letters, the numbers behind /metrics. */
@Injectable()
export class MonitorLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly hub: LiveHub, private readonly letters: DeadLettersService, private readonly metrics: MetricsService, @Inject(LIVE_SOCKETS) private readonly sockets: LiveSockets) {}

  async onApplicationBootstrap(): Promise<void> {
    this.metrics.register();
    await this.hub.start();
    await this.letters.start();
    this.sockets.handle('/v1/live', (socket, { tenantId }) => { this.hub.join(socket, tenantId); });
  }
  async onApplicationShutdown(): Promise<void> {
    await this.letters.stop();
    await this.hub.stop();
  }
}
