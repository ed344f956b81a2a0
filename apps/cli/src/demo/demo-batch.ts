import type pg from 'pg';
import { batchTwo, corrections } from './demo-numbers.ts';

/** What happens at ops overnight: flights arrive, some of them of an earlier day, and two carriers correct a delay that had crossed midnight. */
export async function letBatchTwoArrive(client: pg.Client): Promise<void> {
  await client.query('insert into public.flights select * from to_come.flights');
  for (const { flight, is } of corrections) await client.query(`update public.flights set delay_min = $2, updated_at = '2001-07-01 09:12:00+00' where flight_id = $1`, [flight, is]);
}
/** Takes a kept ops back to the evening before, so that each demo begins with the same rows. */
export async function forgetBatchTwo(client: pg.Client): Promise<void> {
  await client.query('delete from public.flights where flight_id >= $1', [batchTwo.from]);
  for (const { flight, was } of corrections) {
    await client.query(`update public.flights set delay_min = $2, updated_at = (date_trunc('day', departed_at) + interval '27 hours') at time zone 'UTC' where flight_id = $1 and delay_min <> $2`, [flight, was]);
  }
  await client.query('vacuum public.flights'); // or each demo would leave a megabyte
}
