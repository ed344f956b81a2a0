// One line of standard input is one message, as any Kafka console producer sends it:
//   echo '{"requestId":"r1","pipeline":{...},"run":"now"}' | node tools/provision/kafka/console-producer.mjs 127.0.0.1:9092 etl.pipeline.requests
// This is Kafka's own ConsoleProducer from the jars of the broker.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { provisionKafka } from './provision.mjs';

const [brokers, topic] = process.argv.slice(2);
if (!brokers || !topic) { process.stderr.write('usage: console-producer.mjs BROKERS TOPIC\n'); process.exit(2); }
const { java, libs } = await provisionKafka(join(import.meta.dirname, '..', '..', '..', '.cache', 'kafka'));
const child = spawn(java, ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', join(libs, '*'), 'org.apache.kafka.tools.ConsoleProducer', '--bootstrap-server', brokers, '--topic', topic],
  { stdio: ['inherit', 'ignore', 'inherit'] });
child.once('exit', (code) => { process.exit(code ?? 1); });
