// The mutators of Stryker, from a lock of their own: only a proof that is run by name needs them.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const FILES = ['package.json', 'package-lock.json'];

/** @returns what puts switches for mutants into sources. Throws when npm cannot install it. */
export async function strykerInstrumenter(cache) {
  const folder = join(cache, 'stryker');
  const isCurrent = existsSync(join(folder, 'node_modules')) && FILES.every((name) => readFileSync(join(folder, name), 'utf8') === readFileSync(join(import.meta.dirname, name), 'utf8'));
  if (!isCurrent) {
    mkdirSync(folder, { recursive: true });
    for (const name of FILES) copyFileSync(join(import.meta.dirname, name), join(folder, name));
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, stdio: ['ignore', 2, 2] });
  }
  const { Instrumenter } = await import(pathToFileURL(createRequire(join(folder, 'package.json')).resolve('@stryker-mutator/instrumenter')).href);
  const quiet = () => undefined;
  return new Instrumenter({ trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet, fatal: quiet, isTraceEnabled: () => false, isDebugEnabled: () => false, isInfoEnabled: () => false, isWarnEnabled: () => false, isErrorEnabled: () => true, isFatalEnabled: () => true });
}
