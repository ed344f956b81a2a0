import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const WITHIN_MS = 20_000;
/** A program that has stopped itself where it was told to. */
export class SleepingProcess {
  private said = '';
  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (text: Buffer) => { this.said += text.toString(); });
    const end = (): void => { child.kill('SIGKILL'); }; // a test that fails ends, and this process with it
    process.once('exit', end);
    child.once('exit', () => { process.off('exit', end); });
  }
  /** Starts it, and answers once it sleeps. @param told its one argument, as JSON */
  static async start(program: string, told: object): Promise<SleepingProcess> {
    const child = spawn(process.execPath, ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', program, JSON.stringify(told)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const sleeper = new SleepingProcess(child);
    for (const until = performance.now() + WITHIN_MS; !sleeper.isStopped; await sleep(10)) {
      if (child.exitCode === null && performance.now() < until) continue;
      child.kill('SIGKILL');
      throw new Error(`it did not sleep, and said ${sleeper.said}`);
    }
    return sleeper;
  }
  private get isStopped(): boolean { return this.child.exitCode === null && readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').includes(') T '); }
  /** Wakes it and answers what it says until it has ended. */
  async wake(): Promise<string> {
    const gone = once(this.child, 'close');
    this.child.kill('SIGCONT');
    const late = setTimeout(() => { this.child.kill('SIGKILL'); this.said += ' and did not end'; }, WITHIN_MS);
    await gone;
    clearTimeout(late);
    return this.said;
  }
}
