// One line of standard input is one message, as any Kafka console producer sends it:
//   echo '{"requestId":"r1","pipeline":{...},"run":"now"}' | node tools/provision/kafka/console-producer.mjs 127.0.0.1:9092 etl.pipeline.requests
import { runConsoleTool } from './console-tool.mjs';

const [brokers, topic] = process.argv.slice(2);
if (!brokers || !topic) { process.stderr.write('usage: console-producer.mjs BROKERS TOPIC\n'); process.exit(2); }
await runConsoleTool('ConsoleProducer', ['--bootstrap-server', brokers, '--topic', topic]);
