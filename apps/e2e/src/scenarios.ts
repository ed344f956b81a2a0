import { afterAll, beforeAll, describe } from '@jest/globals';
import { airflow } from './scenarios/airflow.ts';
import { commandLine } from './scenarios/command-line.ts';
import { copies } from './scenarios/copies.ts';
import { drift } from './scenarios/drift.ts';
import { failures } from './scenarios/failures.ts';
import { joins } from './scenarios/joins.ts';
import { kills } from './scenarios/kills.ts';
import { loadModes } from './scenarios/load-modes.ts';
import { messages } from './scenarios/messages.ts';
import { metrics } from './scenarios/metrics.ts';
import { quality } from './scenarios/quality.ts';
import { quarantine } from './scenarios/quarantine.ts';
import { requests } from './scenarios/requests.ts';
import { schedulesAtHome } from './scenarios/schedules-at-home.ts';
import { schedules } from './scenarios/schedules.ts';
import { secrecy } from './scenarios/secrecy.ts';
import { transforms } from './scenarios/transforms.ts';
import { slices } from './scenarios/slices.ts';
import { furnish } from './steps.ts';
import type { SetUp, World } from './world.ts';

/** Password of the login that all scenarios use; the last one looks for it everywhere. Its env form is what the set-ups are started with. */
export const password = 'canary-4711';
/** Key of the masks: whoever looks for the password finds it, too. */
const maskingKey = `${password}-masks`;
export const secretsOfScenarios = { ETL_SECRET_ETL_PASSWORD: password, ETL_SECRET_WRONG_PASSWORD: 'not-the-password', ETL_SECRET_MASKING_KEY: maskingKey } as const;

/** One list for every set-up; what a set-up has no part for is left out. */
export function scenarios({ name, has, start }: SetUp): void {
  describe(name, () => {
    let world: World | undefined;
    const running = (): World => { if (!world) throw new Error(`${name} did not start`); return world; };
    beforeAll(async () => { world = await start(); await furnish(world, password); }, 240_000);
    afterAll(async () => { await world?.stop(); }, 60_000);
    describe('requests', () => { requests(running); });
    describe('copies', () => { copies(running); });
    describe('transforms', () => { transforms(running, maskingKey); });
    describe('joins', () => { joins(running); });
    describe('slices', () => { slices(running); });
    describe('load modes', () => { loadModes(running); });
    describe('quarantine', () => { quarantine(running); });
    describe('quality', () => { quality(running); });
    describe('failures', () => { failures(running, password); });
    describe('drift', () => { drift(running); });
    describe('command line', () => { commandLine(running, has); });
    describe('airflow', () => { airflow(running); });
    describe('schedules', () => { schedules(running); if (!has.services) schedulesAtHome(); });
    if (has.broker) describe('messages', () => { messages(running); });
    describe('metrics', () => { metrics(running, has); });
    describe('kills', () => { kills(running, has, password); });
    describe('secrecy', () => { secrecy(running, has, password); });
  });
}
