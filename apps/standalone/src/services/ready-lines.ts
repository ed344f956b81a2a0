export interface Ready { readonly url: string; readonly token: string; readonly brokers: string; readonly folder: string; readonly logs: string; readonly publicKey: string }

/** What to type now: a request through Kafka's own console producer, and the commands that look at what became of it. */
export function readyLines({ url, token, brokers, folder, logs, publicKey }: Ready): string[] {
  const at = `--url ${url} --token ${token}`;
  const request = '{"requestId":"first","pipeline":{"name":"copy_in","from":{"connection":"files","dataset":"in.csv"},"to":{"connection":"files","dataset":"out.parquet"}},"run":"now"}';
  return [
    ` ready     PostgreSQL, Kafka at ${brokers}, orchestrator, etl-worker, dag-generator, monitor`, ` address   ${url}   dashboard: ${url}/?token=${token}`, ` logs      ${logs}/*.log`, '',
    ' A request through a console producer, and what became of it:', '', `   printf 'id,name\\n1,one\\n2,two\\n' > ${folder}/in.csv`, `   npx agent-etl connections add files --root ${folder} ${at}`,
    `   echo '${request}' | node tools/provision/kafka/console-producer.mjs ${brokers} etl.pipeline.requests`,
    `   node tools/provision/kafka/console-consumer.mjs ${brokers} etl.pipeline.events 2`, `   npx agent-etl runs ${at}`, `   npx agent-etl receipt show copy_in --out receipt.json ${at}`,
    `   npx agent-etl receipt verify receipt.json --key ${publicKey}`, '', ' Ctrl-C stops everything.', ''];
}
