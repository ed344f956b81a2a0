// The payloads that sqlmap tries, read from an installed copy: its licence keeps them out of this repository.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { virtualEnvironment } from '../venv.mjs';

const TAG = (name) => new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g');
const unescaped = (text) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&apos;', "'").replaceAll('&amp;', '&');
/** What sqlmap fills in when it runs, filled in once and for all. */
const filled = (payload) => payload.replaceAll('[RANDNUM]', '4821').replaceAll('[RANDNUM1]', '4822').replaceAll(/\[RANDNUM\d*\]/g, '4823').replaceAll(/\[RANDSTR\d*\]/g, 'qzvk').replaceAll('[DELIMITER_START]', 'qqjpq').replaceAll('[DELIMITER_STOP]', 'qvbxq').replaceAll('[SLEEPTIME]', '5')
  .replaceAll('[QUERY]', '(SELECT s FROM secret)').replaceAll('[INFERENCE]', '(SELECT count(*) FROM secret)>0').replaceAll('[ORIGVALUE]', '1').replaceAll('[ORIGINAL]', '1').replaceAll('[CHAR]', 'NULL').replaceAll('[UNION]', 'UNION ALL SELECT NULL, s FROM secret').replaceAll('[GENERIC_SQL_COMMENT]', '-- ').replaceAll(/\[[A-Z_]+\d*\]/g, 'x');

/** Every payload, each once, with the version that they are of. Throws when there is no Python or no package. */
export function sqlmapPayloads(cache) {
  const folder = virtualEnvironment(join(cache, 'sqlmap'), join(import.meta.dirname, 'requirements.txt'));
  const [lib] = readdirSync(join(folder, 'lib'));
  const payloads = join(folder, 'lib', lib, 'site-packages', 'sqlmap', 'data', 'xml', 'payloads');
  const texts = readdirSync(payloads).filter((name) => name.endsWith('.xml')).sort().flatMap((name) => {
    const xml = readFileSync(join(payloads, name), 'utf8');
    return ['payload', 'vector', 'comparison'].flatMap((tag) => [...xml.matchAll(TAG(tag))].map(([, text]) => filled(unescaped(text.trim()))));
  });
  return { version: /sqlmap==(\S+)/.exec(readFileSync(join(import.meta.dirname, 'requirements.txt'), 'utf8'))[1], payloads: [...new Set(texts)].filter((text) => text !== '' && !text.startsWith('<')) };
}
