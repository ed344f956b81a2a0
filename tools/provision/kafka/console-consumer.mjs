// Prints the first messages of a topic, one a line; without a count it goes on until Ctrl-C:
//   node tools/provision/kafka/console-consumer.mjs 127.0.0.1:9092 etl.pipeline.events 2
import { runConsoleTool } from './console-tool.mjs';

const [brokers, topic, count] = process.argv.slice(2);
if (!brokers || !topic || (count !== undefined && !/^\d+$/.test(count))) { process.stderr.write('usage: console-consumer.mjs BROKERS TOPIC [COUNT]\n'); process.exit(2); }
await runConsoleTool('consumer.ConsoleConsumer', ['--bootstrap-server', brokers, '--topic', topic, '--from-beginning', ...(count ? ['--max-messages', count] : [])]);
