import { Command, Option } from 'commander';
import { backupCommand, restoreCommand } from './commands/archive-commands.ts';
import { type BackfillOptions, backfillCommand } from './commands/backfill-command.ts';
import { configCommand, validateCommand } from './commands/check-commands.ts';
import { addConnectionCommand } from './commands/connections-add.ts';
import { diffCommand } from './commands/diff-command.ts';
import { doctorCommand } from './commands/doctor.ts';
import { connectionsCommand, connectorsCommand, datasetsCommand, explainCommand, listDeadLettersCommand, pipelinesCommand, runsCommand, showDeadLetterCommand, testConnectionCommand, watchCommand } from './commands/look-commands.ts';
import { cancelCommand, reconcileCommand, retryCommand, scheduleCommand } from './commands/operate-commands.ts';
import { exportQuarantineCommand, listQuarantineCommand, replayQuarantineCommand, showQuarantineCommand } from './commands/quarantine-commands.ts';
import { type PlanOptions, applyCommand, planCommand, runCommand } from './commands/plan-and-run.ts';
import { profileCommand } from './commands/profile-command.ts';
import { showReceiptCommand, verifyReceiptCommand } from './commands/receipt-commands.ts';
import { upCommand } from './commands/up.ts';
import type { TargetOptions } from './commands/what-to-run.ts';
import { demoCommand } from './demo/demo-command.ts';
import type { ExitCode } from './session/exit-codes.ts';
import { type GlobalOptions, Session } from './session/session.ts';

type Act = (session: Session, args: readonly string[], options: Record<string, unknown>) => Promise<ExitCode>;
export interface Surroundings { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>>; readonly onExit: (code: ExitCode) => void; readonly onSession: (session: Session) => void }

const withGlobals = (command: Command): Command => command
  .option('--json', 'one JSON document on stdout').option('--events', 'what happens as NDJSON on stdout').option('--quiet', 'no words but errors').option('--no-color', 'no colours')
  .option('--url <url>', 'a deployed API; default: the standalone of the project folder').option('--token <token>', 'bearer token for --url; or AGENT_ETL_TOKEN')
  .option('--project <dir>', 'project folder').option('--tenant <name>', 'default: the one tenant there is').option('--debug', 'stack of an error');
const withTarget = (command: Command): Command => command
  .option('--to <dataset>', 'target: connection.schema.table, ./file.parquet, env:VARIABLE, sqlite:./file.db or postgres://...').option('--table <table>', 'table where an address names only a database')
  .option('--load <mode>', 'append, replace, upsert, merge or scd2').option('--key <columns>', 'key of an upsert, a merge or a history, comma-separated').option('--request-id <id>', 'the same id has one effect');

/** The command tree of `agent-etl`. Every command gets a session and answers with an exit code. */
export function buildProgram(around: Surroundings): Command {
  // What is typed wrongly is told by `wrongWords`, in the form of every other failure.
  const program = withGlobals(new Command('agent-etl').configureOutput({ outputError: () => undefined }).description('Moves data and proves it.').version('0.1.0').showSuggestionAfterError(false).exitOverride());
  const act = (command: Command, run: Act): Command => withGlobals(command).action(async (...given: unknown[]) => {
    const options = command.optsWithGlobals<GlobalOptions & Record<string, unknown>>();
    const session = new Session(options, around);
    around.onSession(session);
    session.checkTenant();
    around.onExit(await run(session, given.slice(0, -2).flat().filter((arg) => typeof arg === 'string'), options));
  });
  addMoving(program, act);
  addLooking(program, act);
  addOperating(program, act);
  return program;
}
type AddAct = (command: Command, run: Act) => Command;

function addMoving(program: Command, act: AddAct): void {
  act(program.command('demo').description('the product on real data').option('--exit', 'end when done').option('--kill', 'kill the worker in mid-copy').option('--dir <dir>', 'folder of the demo', '.demo'),
    (session, _, options) => demoCommand(session, options));
  act(program.command('up').description('start everything in one process').option('--port <port>', 'port, 8080 or the next free one').option('--detach', 'leave it running'), (session, _, options) => upCommand(session, options));
  act(withTarget(program.command('plan <what>').description('profile, plan, verify; write nothing')).option('--say <text>', 'in words').option('--dag <file>', 'write the rendered DAG').option('--tasks', 'print tasks').option('--out <file>', 'write the plan'),
    (session, [what = ''], options) => planCommand(session, what, options as PlanOptions));
  act(withTarget(program.command('apply <what>').description('approve a plan')).option('--approve', 'a person says yes'), (session, [what = ''], options) => applyCommand(session, what, options as TargetOptions));
  act(withTarget(program.command('run <what>').description('plan if needed, run, follow, receipt')).option('--say <text>', 'in words').option('--detach', 'do not follow').addOption(new Option('--watch', 'follow it, as run does by itself').conflicts('detach')),
    (session, [what = ''], options) => runCommand(session, what, options as TargetOptions));
}
function addLooking(program: Command, act: AddAct): void {
  act(program.command('watch [run]').description('follow a run'), (session, [run]) => watchCommand(session, run));
  act(program.command('runs').description('latest runs').option('--limit <n>', 'how many', '20').option('--pipeline <name>', 'of one pipeline'), (session, _, options) => runsCommand(session, options));
  const pipelines = act(program.command('pipelines').description('known pipelines and their schedules'), (session) => pipelinesCommand(session));
  act(pipelines.command('list').description('known pipelines and their schedules'), (session) => pipelinesCommand(session));
  act(pipelines.command('pause <name>').description('start no run at its slots'), (session, [name = '']) => scheduleCommand(session, name, 'pause'));
  act(pipelines.command('resume <name>').description('go on with the next slot'), (session, [name = '']) => scheduleCommand(session, name, 'resume'));
  act(program.command('connectors').description('what can be reached'), (session) => connectorsCommand(session));
  act(program.command('datasets <connection>').description('what a connection holds'), (session, [name = '']) => datasetsCommand(session, name));
  act(program.command('profile <dataset>').description('what the values of a dataset are like').option('--again', 'read it again'), (session, [id = ''], options) => profileCommand(session, id, options));
  act(program.command('diff <a> [b]').description('two plans, or a plan or pipeline against what is deployed'), (session, [a = '', b]) => diffCommand(session, a, b));
  act(program.command('explain <what>').description('why: a plan, a run or a pipeline'), (session, [what = '']) => explainCommand(session, what));
  const connections = act(program.command('connections').description('known connections'), (session) => connectionsCommand(session));
  act(connections.command('list').description('known connections'), (session) => connectionsCommand(session));
  act(connections.command('test <name>').description('try one'), (session, [name = '']) => testConnectionCommand(session, name));
  act(connections.command('add <name> [address]').description('add or change one').option('--password <reference>', 'secret://name#field').option('--root <folder>', 'folder of a file connection'),
    (session, [name = '', address], options) => addConnectionCommand(session, { name, address }, options));
  const receipt = program.command('receipt').description('proof of a run');
  act(receipt.command('verify <file>').description('check offline').option('--key <file>', 'public key, PEM'), (session, [file = ''], options) => verifyReceiptCommand(session, file, options));
  act(receipt.command('show <run>').description('the receipt of a run').option('--out <file>', 'write it'), (session, [run = ''], options) => showReceiptCommand(session, run, options));
}
function addQuarantine(program: Command, act: AddAct): void {
  const quarantine = act(program.command('quarantine').description('rows that were set aside'), (session) => listQuarantineCommand(session, undefined));
  act(quarantine.command('list [what]').description('how many and why, by run; of one pipeline or run'), (session, [what]) => listQuarantineCommand(session, what));
  act(quarantine.command('show <what>').description('the rows of a pipeline or run').option('--waiting', 'only those that were not brought back').option('--limit <n>', 'how many', '20'), (session, [what = ''], options) => showQuarantineCommand(session, what, options));
  act(quarantine.command('export <what>').description('write those that wait into a file, to mend them').option('--out <file>', 'default: PIPELINE.quarantine.ndjson'), (session, [what = ''], options) => exportQuarantineCommand(session, what, options));
  act(quarantine.command('replay <file>').description('load mended rows into the target, by the same checks, each once'), (session, [file = '']) => replayQuarantineCommand(session, file));
}
function addOperating(program: Command, act: AddAct): void {
  act(program.command('cancel <run>').description('stop at the next chunk boundary'), (session, [run = '']) => cancelCommand(session, run));
  act(program.command('reconcile <pipeline>').description('compare every row of source and target as they are now; writes nothing').option('--detach', 'do not follow'), (session, [name = ''], options) => reconcileCommand(session, name, options));
  act(program.command('backfill <pipeline>').description('read a slice of the source again; moves no position').option('--from <instant>', 'first day or instant').option('--to <instant>', 'first day or instant behind it').option('--step <length>', 'one run per 6h, 1d or 2w').option('--detach', 'do not follow'),
    (session, [name = ''], options) => backfillCommand(session, name, options as BackfillOptions));
  act(program.command('retry <run>').description('run the same plan again').option('--detach', 'do not follow'), (session, [run = ''], options) => retryCommand(session, run, options));
  act(program.command('backup <file>').description('the whole state at one instant, into one file; what runs goes on').option('--state <url>', 'PostgreSQL of a deployment, as its administrator; default: the embedded one of the project folder').option('--key <file>', 'public key of the receipts, PEM'),
    (session, [file = ''], options) => backupCommand(session, file, options));
  act(program.command('restore <file>').description('a backup into an empty project folder or database: all of it, or nothing').option('--state <url>', 'an empty database, as its administrator; default: the embedded one of the project folder'),
    (session, [file = ''], options) => restoreCommand(session, file, options));
  const dlq = act(program.command('dlq').description('messages that nobody could handle'), (session) => listDeadLettersCommand(session));
  act(dlq.command('list').description('newest first'), (session) => listDeadLettersCommand(session));
  act(dlq.command('show <id>').description('one with its bytes'), (session, [id = '']) => showDeadLetterCommand(session, id));
  addQuarantine(program, act);
  act(program.command('validate <files...>').description('check pipeline files, agent-etl.yaml and queries (*.sql)').option('--dialect <name>', 'postgres, duckdb or spark: what queries are written in', 'postgres').option('--schema <file>', 'relations that queries may read: YAML').option('--connection <name>', 'connection whose relations they read'),
    (session, files, options) => validateCommand(session, files, options));
  act(program.command('doctor').description('is everything there that is needed'), (session) => doctorCommand(session));
  const config = program.command('config').description('what counts here');
  act(config.command('show').description('project, secrets store, policy, connections'), (session) => configCommand(session));
}
