import type { Server } from 'node:http';

export interface IdleWatch { stop(): void }
export interface IdleOptions { readonly limitMs: number; readonly everyMs?: number; isBusy(): Promise<boolean>; onIdle(): void }

/** Ends a standalone that a command started by itself, once nobody has used it for a while: no request, no open live feed, no run, no schedule. */
export function watchIdle(server: Server, { limitMs, everyMs = 2000, isBusy, onIdle }: IdleOptions): IdleWatch {
  let lastUse = performance.now();
  let feeds = 0;
  const touch = (): void => { lastUse = performance.now(); };
  server.on('request', ({ url }) => { if (!url?.startsWith('/health') && !url?.startsWith('/metrics')) touch(); });
  server.on('upgrade', (_, socket) => {
    feeds += 1;
    socket.once('close', () => { feeds -= 1; touch(); });
  });
  const look = async (): Promise<void> => {
    if (feeds > 0 || performance.now() - lastUse < limitMs) return;
    if (await isBusy()) { touch(); return; }
    if (performance.now() - lastUse >= limitMs) onIdle();
  };
  const timer = setInterval(() => { look().catch(touch); }, everyMs);
  timer.unref();
  return { stop: () => { clearInterval(timer); } };
}
