import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { EtlError } from '@agent-etl/contracts';
import { Gauge, Registry } from 'prom-client';
import { z } from 'zod';
import { armCrash } from './crash-points.ts';
import { loadConfig, serviceKitConfig } from './load-config.ts';
import { createLog } from './log.ts';
import { metricsText } from './metrics-page.ts';
import { Shutdown, stopPhases } from './shutdown.ts';

describe('configuration', () => {
  const slices = { a: z.object({ ETL_A_NUMBER: z.coerce.number().int() }), b: z.object({ ETL_B_NAME: z.string().default('x'), ETL_B_MODE: z.enum(['on', 'off']) }) };
  it('is parsed, with what is set to nothing left out', () => {
    expect(loadConfig(slices, { ETL_A_NUMBER: '3', ETL_B_MODE: 'on', ETL_B_NAME: '', OTHER: 'y' })).toEqual({ a: { ETL_A_NUMBER: 3 }, b: { ETL_B_NAME: 'x', ETL_B_MODE: 'on' } });
  });
  it('tells every problem of every slice at once', () => {
    const problems = thrownBy(() => loadConfig(slices, { ETL_A_NUMBER: 'many' }));
    expect(problems).toMatchObject({ code: 'config.invalid', issues: [{ path: 'ETL_A_NUMBER' }, { path: 'ETL_B_MODE' }] });
  });
  it('takes a crash point in tests only', () => {
    const crash = { ETL_SERVICE_KIT_CRASH: 'sink.after-commit:3' };
    expect(thrownBy(() => loadConfig({ kit: serviceKitConfig }, crash))).toMatchObject({ issues: [{ path: 'ETL_SERVICE_KIT_CRASH', text: 'only with NODE_ENV=test' }] });
    expect(loadConfig({ kit: serviceKitConfig }, { ...crash, NODE_ENV: 'test' }).kit).toMatchObject(crash);
  });
});

describe('stopping', () => {
  it('goes through all phases in order, once, although one step fails', async () => {
    const shutdown = new Shutdown();
    const seen: string[] = [];
    for (const phase of [...stopPhases].reverse()) shutdown.onStop(phase, async () => { await Promise.resolve(); seen.push(phase); });
    shutdown.onStop('work', () => { throw new Error('stuck'); });
    const [first, second] = [shutdown.run(), shutdown.run()];
    expect(shutdown.isStopping).toBe(true);
    await expect(first).rejects.toThrow('not everything stopped cleanly');
    await expect(second).rejects.toThrow();
    expect(seen).toEqual([...stopPhases]);
  });
});

describe('a crash point', () => {
  it('kills the process on its n-th pass, without a word', () => {
    const code = `import { armCrash, crashPoint } from ${JSON.stringify(join(import.meta.dirname, 'crash-points.ts'))};
      armCrash('relay.marked:2'); crashPoint('relay.marked'); crashPoint('relay.read'); console.log('once'); crashPoint('relay.marked'); console.log('twice');`;
    const { signal, stdout } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code], { encoding: 'utf8' });
    expect([signal, stdout]).toEqual(['SIGKILL', 'once\n']);
  });
  it('lets the process sleep where it is, until somebody wakes it', async () => {
    const code = `import { armCrash, crashPoint } from ${JSON.stringify(join(import.meta.dirname, 'crash-points.ts'))};
      armCrash('relay.marked:1:stop'); console.log('before'); crashPoint('relay.marked'); crashPoint('relay.marked'); console.log('after');`;
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => { said += bytes.toString(); });
    while (!(await readFile(`/proc/${child.pid}/stat`, 'utf8')).includes(') T ')) await sleep(10);
    expect(said).toBe('before\n');
    child.kill('SIGCONT');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(said).toBe('before\nafter\n');
  });
  it.each([['nowhere'], ['relay.marked:0'], ['relay.marked:x'], ['relay.marked:1:nap']])('refuses %s', (text) => { expect(() => { armCrash(text); }).toThrow(TypeError); });
});

describe('the log', () => {
  const logged = (write: (log: ReturnType<typeof createLog>) => void): string => {
    let text = '';
    write(createLog({ level: 'debug', app: 'test', to: { write: (line: string) => { text += line; } } }));
    return text;
  };
  it('hides secrets and row values, also of causes', () => {
    const driver = Object.assign(new Error('connect postgres://etl:canary@db/x failed'), { detail: 'Key (email)=(canary)', query: 'select canary', parameters: ['canary'], code: '23505' });
    const text = logged((log) => {
      log.info({ password: 'canary', connection: { url: 'canary' }, headers: { authorization: 'canary' }, cell: { value: 'canary' } }, 'hello');
      log.error({ err: new EtlError('platform.unavailable', { dependency: 'x' }, { cause: driver }) }, 'failed');
    });
    expect(text).not.toContain('canary');
    expect(text).toContain('23505');
    expect(text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as object)).toMatchObject([{ level: 'info', app: 'test', msg: 'hello' }, { level: 'error' }]);
  });
});

describe('metrics', () => {
  it('leave out what cannot be asked right now', async () => {
    const registry = new Registry();
    new Gauge({ name: 'etl_away', help: 'Away.', registers: [registry], collect: () => Promise.reject(new Error('away')) });
    new Gauge({ name: 'etl_here', help: 'Here.', registers: [registry] }).set(1);
    expect(await metricsText([registry])).toBe('# HELP etl_here Here.\n# TYPE etl_here gauge\netl_here 1\n');
  });
  it('puts series of several services under one name, each once', async () => {
    const [one, two] = [new Registry(), new Registry()];
    new Gauge({ name: 'etl_age', help: 'Age.', labelNames: ['app'], registers: [one] }).set({ app: 'a' }, 1);
    const second = new Gauge({ name: 'etl_age', help: 'Age.', labelNames: ['app'], registers: [two] });
    second.set({ app: 'b' }, 2);
    second.set({ app: 'a' }, 9);
    expect(await metricsText([one, two])).toBe('# HELP etl_age Age.\n# TYPE etl_age gauge\netl_age{app="a"} 1\netl_age{app="b"} 2\n');
  });
});

function thrownBy(work: () => unknown): unknown {
  try { return work(); } catch (error) { return error; }
}
