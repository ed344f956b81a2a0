import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConnectionSpec, EtlError, endpoints, parseOrThrow } from '@agent-etl/contracts';
import { derivePipeline } from '../addresses/derive-pipeline.ts';
import { connectionsScreen } from '../screens/list-screens.ts';
import { type ExitCode, WrongUse, exitCodes } from '../session/exit-codes.ts';
import type { Session } from '../session/session.ts';

/** `data` and `.cache` are folders here as well, not names of connections. */
export const asFolder = (root: string): string => root.replace(/^(?!\.{0,2}\/|\.{1,2}$|~)/, './');
export interface AddOptions { readonly password?: string; readonly root?: string }

/** The secrets that a project folder's own standalone keeps: one JSON file, readable by its owner only. */
export const localSecretsFile = (projectDir: string): string => join(projectDir, '.agent-etl', 'secrets.json');

async function keepPassword(projectDir: string, name: string, password: string): Promise<string> {
  const file = localSecretsFile(projectDir);
  await mkdir(join(projectDir, '.agent-etl'), { recursive: true, mode: 0o700 });
  const before: unknown = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'));
  const next = `${file}.${process.pid}`;
  await writeFile(next, JSON.stringify({ ...Object(before), [name]: { ...Object(Object(before)[name]), password } }, null, 2), { mode: 0o600 });
  await chmod(next, 0o600);
  await rename(next, file);
  return `secret://${name}#password`;
}
/** Spec and password of a typed address. */
function specOf(address: string | undefined, options: AddOptions, session: Session): { spec: ConnectionSpec; password: string | null } {
  if (options.root !== undefined) return { spec: { connector: 'file', root: derivePipeline({ from: `${asFolder(options.root)}/x`, to: './y' }, session).connections[0]?.folder ?? options.root }, password: null };
  if (address === undefined) throw new WrongUse('What does the connection reach?', 'agent-etl connections add shop postgres://etl@host/shop, sqlite:./shop.db, or: connections add files --root ./data');
  const { connections } = derivePipeline({ from: address, to: './x.csv', table: 'any' }, session);
  const first = connections.find(({ spec }) => spec.connector !== 'file') ?? connections[0];
  if (!first) throw new WrongUse('This names an existing connection.');
  return { spec: first.spec, password: first.password };
}
/** Adds a connection. A typed password moves into the secret store; only its reference goes on. */
export async function addConnectionCommand(session: Session, given: { name: string; address: string | undefined }, options: AddOptions): Promise<ExitCode> {
  const client = await session.client();
  const { spec, password } = specOf(given.address, options, session);
  if (session.isDeployed && password !== null) throw new WrongUse('A deployed API takes no passwords.', 'store it there and add --password secret://name#password');
  const reference = options.password ?? (password === null ? undefined : await keepPassword(session.projectDir, given.name, password));
  if (reference !== undefined && 'root' in spec) throw new EtlError('connection.forbidden', { part: 'password', reason: `a ${spec.connector} connection has none` });
  if ('root' in spec && !session.isDeployed) await client.call(endpoints.allowFileRoot, { body: { folder: spec.root } });
  const body = parseOrThrow(endpoints.putConnection.body, { ...spec, ...(reference ? { password: reference } : {}) });
  const view = await client.call(endpoints.putConnection, { params: { name: given.name }, body });
  session.output.result(view, () => [...connectionsScreen([view]), ` try it: agent-etl connections test ${given.name}`]);
  return exitCodes.green;
}
