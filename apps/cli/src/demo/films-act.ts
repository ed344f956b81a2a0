import type { RunView } from '@agent-etl/contracts';
import { grouped } from '../screens/numbers.ts';
import { type DemoCheck, checkEqual, receiptChecks } from './demo-checks.ts';
import { withDatabase } from './demo-database.ts';
import { badFilms, films } from './demo-numbers.ts';
import { type Act, runAct } from './demo-run.ts';
import { actLine } from './demo-screens.ts';
import type { Stage } from './demo-stage.ts';

/** A file that nobody trusts: its good rows are loaded, its bad ones set aside, each with its reason. */
export async function filmsAct({ session, databases }: Stage): Promise<{ act: Act; checks: DemoCheck[] }> {
  const { output } = session;
  output.show(actLine(output.paint, { number: 2, of: 4, say: 'Load movies.json into the warehouse and set bad rows aside.' }));
  const act = await runAct(session, 'films');
  const sums = act.run.state === 'succeeded' ? await withDatabase(databases.adminUrl, 'warehouse', async (client) => {
    const { rows } = await client.query<{ gross: string; votes: string }>('select sum("Worldwide Gross") as gross, sum("IMDB Votes") as votes from mart.films');
    return rows[0];
  }) : undefined;
  output.show([`   check   ${grouped(films.written)} films add up to the figures of the published file`]);
  return { act, checks: [...receiptChecks('films', act.run, films), ...asideChecks(act.run), checkEqual('mart.films: worldwide gross', films.gross, sums?.gross), checkEqual('mart.films: votes', films.votes, sums?.votes)] };
}
function asideChecks({ tasks }: RunView): DemoCheck[] {
  const aside = tasks.flatMap(({ result }) => (result?.kind === 'load' ? result.aside ?? [] : []));
  return badFilms.map(({ reason, rows, row }) => {
    const found = aside.find((each) => each.reason === reason);
    return checkEqual(`films: ${reason}`, `${rows}, first in row ${row}`, found ? `${found.rows}, first in row ${found.row}` : 'none');
  });
}
