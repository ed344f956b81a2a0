import { type Connector, type SourceSession, connectors } from '@agent-etl/connectors';
import type { ConnectorsByName } from '../steps/attempt-context.ts';

/** What the world does before a piece is read. @param session the picture that it is read from */
export type Between = (ordinal: number, session: SourceSession) => Promise<void>;

/** The real connectors; before each piece of a source is read, a test does what the world does. */
export function betweenPieces(between: Between): ConnectorsByName {
  const watched = (connector: Connector): Connector => ({ ...connector, open: async (connection, tools) => {
    const open = await connector.open(connection, tools);
    const begin: typeof open.source.begin = async (task, snapshot) => watching(await open.source.begin(task, snapshot), between);
    return { ...bound(open), source: { offers: open.source.offers, begin }, sink: open.sink };
  } });
  return Object.fromEntries(Object.entries(connectors).map(([name, connector]) => [name, watched(connector as unknown as Connector)]));
}
const bound = (open: Awaited<ReturnType<Connector['open']>>) =>
  ({ inspect: open.inspect.bind(open), profile: open.profile.bind(open), close: open.close.bind(open) });
const watching = (session: SourceSession, between: Between): SourceSession => new Proxy(session, {
  get: (target, name) => {
    if (name === 'read') return async (...[range, options]: Parameters<SourceSession['read']>) => { await between(range.ordinal, session); return target.read(range, options); };
    const member: unknown = Reflect.get(target, name, target);
    return typeof member === 'function' ? (member as (...given: unknown[]) => unknown).bind(target) : member;
  },
});
