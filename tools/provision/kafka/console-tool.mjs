// Kafka's own console tools, from the jars of the broker.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { provisionKafka } from './provision.mjs';

/** Runs one with this process's streams and ends as it ends. */
export async function runConsoleTool(className, args) {
  const { java, libs } = await provisionKafka(join(import.meta.dirname, '..', '..', '..', '.cache', 'kafka'));
  const child = spawn(java, ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', join(libs, '*'), `org.apache.kafka.tools.${className}`, ...args], { stdio: 'inherit' });
  child.once('exit', (code) => { process.exit(code ?? 1); });
}
