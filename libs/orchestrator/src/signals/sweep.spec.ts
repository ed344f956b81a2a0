import { expect, it } from '@jest/globals';
import { Sweep } from './sweep.ts';

it('looks one at a time, and once more for all who asked meanwhile', async () => {
  const gates: (() => void)[] = [];
  const sweep = new Sweep(() => new Promise((done) => { gates.push(done); }));
  const asked = Promise.all([sweep.ask(), sweep.ask(), sweep.ask()]);
  expect(gates).toHaveLength(1);
  gates[0]!();
  await new Promise((done) => { setImmediate(done); });
  expect(gates).toHaveLength(2);
  gates[1]!();
  await asked;
  expect(gates).toHaveLength(2);
});
it('looks no more once it is stopped', async () => {
  let looks = 0;
  const sweep = new Sweep(async () => { looks += 1; });
  await sweep.ask();
  await sweep.stop();
  await sweep.ask();
  expect(looks).toBe(1);
});
