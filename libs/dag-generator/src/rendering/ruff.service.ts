import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { EtlError, type Issue } from '@agent-etl/contracts';
import { Injectable } from '@nestjs/common';

// The linter holds 100 MB while it is loaded and its first look takes a quarter of a second, so it lives in a thread of its own and leaves when nothing is rendered.
const idleMs = 60_000;
const answerWithinMs = 30_000;
const thread = `
const { parentPort, workerData } = require('node:worker_threads');
const { PositionEncoding, Workspace } = require(workerData.ruff);
const workspace = new Workspace({ 'target-version': 'py310', lint: { select: ['AIR', 'F', 'E9'], preview: true } }, PositionEncoding.Utf16);
parentPort.on('message', ({ id, text }) => { parentPort.postMessage({ id, found: workspace.check(text).map(({ code, message, start_location: { row } }) => ({ code, message, row })) }); });
`;
interface Finding { readonly code: string | null; readonly message: string; readonly row: number }
interface Waiting { done(found: readonly Finding[]): void; fail(cause: unknown): void; readonly timer: NodeJS.Timeout }

/** Ruff with the rules for Airflow, syntax and names. */
@Injectable()
export class Ruff {
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #next = 0;
  readonly #waiting = new Map<number, Waiting>();

  /** What ruff finds in a Python file; nothing is the only good answer. @throws EtlError `platform.unavailable` when the linter cannot run */
  async check(text: string): Promise<Issue[]> {
    clearTimeout(this.#idle);
    try {
      const found = await this.#ask(this.#warm(), text);
      return found.map(({ code, message, row }) => ({ code: `ruff.${code ?? 'invalid-syntax'}`, path: `/file/${row}`, text: message }));
    } catch (cause) {
      await this.stop();
      throw new EtlError('platform.unavailable', { dependency: 'ruff', kept: 'yes' }, { cause });
    } finally {
      if (this.#waiting.size === 0) this.#idle = setTimeout(() => { void this.stop(); }, idleMs).unref();
    }
  }
  /** Ends the thread; the next check starts another. */
  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#failAll(new Error('the linter was stopped'));
    await worker?.terminate();
  }

  #warm(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(thread, { eval: true, workerData: { ruff: createRequire(import.meta.url).resolve('@astral-sh/ruff-wasm-nodejs') }, execArgv: [] });
    worker.on('message', ({ id, found }: { id: number; found: Finding[] }) => { this.#settle(id)?.done(found); });
    worker.on('error', (error) => { if (this.#worker === worker) { this.#worker = undefined; this.#failAll(error); } });
    worker.unref();
    this.#worker = worker;
    return worker;
  }
  #ask(worker: Worker, text: string): Promise<readonly Finding[]> {
    const id = (this.#next += 1);
    return new Promise((done, fail) => {
      const timer = setTimeout(() => { this.#settle(id)?.fail(new Error(`no answer within ${answerWithinMs} ms`)); }, answerWithinMs);
      this.#waiting.set(id, { done, fail, timer });
      worker.postMessage({ id, text });
    });
  }
  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }
  #failAll(cause: Error): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.fail(cause);
  }
}
