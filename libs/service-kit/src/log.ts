import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
// Fields that may hold a secret or a row's value, wherever somebody logs an object with them.
const hidden = ['password', 'token', 'secret', 'authorization', 'url', 'relayUrl', 'cell', 'value', 'values', 'fields', 'parameters', 'query'];

/** A JSON log on stderr: one line per event, with time, level and who speaks. Passwords, tokens, URLs with passwords and row values are cut out. */
export function createLog({ level, app, to }: { level: LogLevel; app: string; to?: DestinationStream }): Logger {
  const options = {
    level, base: { app }, timestamp: () => `,"time":"${new Date().toISOString()}"`, formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: hidden.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[hidden]' },
    serializers: { err: causes },
  };
  return pino(options, to ?? pino.destination({ dest: 2, sync: true }));
}

/** An error with its causes. The driver's own fields (statement, parameters, detail with row values) stay out. */
function causes(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { type, message, stack } = stdSerializers.err(error);
  const code = (error as { code?: unknown }).code;
  return { type, message: withoutCredentials(message), ...(typeof code === 'string' ? { code } : {}), stack: withoutCredentials(stack),
    ...(error.cause === undefined ? {} : { cause: causes(error.cause) }) };
}
/** user:password@ of any URL that found its way into a text. */
export const withoutCredentials = (text: string): string => text.replaceAll(/(\w+:\/\/[^\s:/@]*):[^\s@/]+@/g, '$1:[hidden]@');
