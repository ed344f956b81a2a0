import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { exitCodeOf } from '../session/exit-codes.ts';
import { forwardSignals, lostBy } from './archive-end.ts';

it('takes a Ctrl-C that comes twice at once for one, and a later one for a second', async () => {
  const terminal = new EventEmitter();
  const told: string[] = [];
  const forward = forwardSignals({ kill: (signal) => { told.push(String(signal)); return true; } }, () => { told.push('note'); }, terminal);
  terminal.emit('SIGINT', 'SIGINT');
  terminal.emit('SIGINT', 'SIGINT');
  await sleep(50);
  terminal.emit('SIGINT', 'SIGINT');
  expect(told).toEqual(['note', 'SIGINT']);
  await sleep(550);
  terminal.emit('SIGINT', 'SIGINT');
  expect(told).toEqual(['note', 'SIGINT', 'SIGINT']);
  forward.stop();
  expect(terminal.eventNames()).toEqual([]);
});
it.each([['backup', 'no file was made'], ['restore', 'all of the backup or no row of it']] as const)('says what a %s left at once leaves, as something that was asked for', (work, leaves) => {
  const asked = lostBy(work, 130, null);
  expect([asked.code, exitCodeOf(asked)]).toEqual(['run.cancelled', 130]);
  expect(asked.text).toBe(`The ${work} was left at once, without waiting for its end: ${asked.text.split(': ')[1]}`);
  expect(asked.text).toContain(leaves);
  expect(lostBy(work, null, 'SIGKILL')).toMatchObject({ code: 'platform.unavailable', text: expect.stringContaining('ended by SIGKILL: ') });
  expect(lostBy(work, 1, null)).toMatchObject({ code: 'platform.unavailable', text: expect.stringContaining('ended by its exit with 1: ') });
});
