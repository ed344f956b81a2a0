// Secrets in clear: forms that issuers gave their keys, private keys, addresses with a password, and values beside a telling name that look drawn by lot.
// What is no secret although it looks like one stands in secrets-allowed.json with its reason; an entry that nothing needs is a finding.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';

const forms = {
  'a private key': /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[\s\\nr"'+]*[A-Za-z0-9+/=]{40}/,
  'a key of AWS': /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/,
  'a token of GitHub': /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60})/,
  'a token of GitLab': /\bglpat-[A-Za-z0-9_-]{20}/,
  'a token of npm': /\bnpm_[A-Za-z0-9]{36}\b/,
  'a token of PyPI': /\bpypi-AgE[A-Za-z0-9_-]{40}/,
  'a token of Slack': /\bxox[abeprs]-[A-Za-z0-9-]{10}/,
  'a key of Google': /\bAIza[0-9A-Za-z_-]{35}\b/,
  'a key of a model': /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32}/,
  'a key of Stripe': /\b[rs]k_live_[A-Za-z0-9]{20}/,
  'a key of Azure': /AccountKey=[A-Za-z0-9+/]{60}/,
  'a signed token': /\beyJ[A-Za-z0-9_-]{14,}\.eyJ[A-Za-z0-9_-]{14,}\.[A-Za-z0-9_-]{20}/,
};
const beside = /(?:passw(?:or)?d|secret|token|api[_-]?key|credential|auth)[A-Za-z_]*["']?\s*[:=]>?\s*["'`]?([A-Za-z0-9+/_=.!@#%^&*-]{16,})/gi;
const address = /\b[a-z][a-z0-9+]*:\/\/[^\s/:@"'`]+:([^\s@/"'`<>${}]{8,})@/g;
/** Bits per character: drawn by lot if it is high. */
function entropy(text) {
  const counts = new Map();
  for (const one of text) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}
const kinds = (text) => [/[a-z]/, /[A-Z]/, /[0-9]/].filter((kind) => kind.test(text)).length;
const looksDrawn = (text) => kinds(text) === 3 && entropy(text) >= 3.7 && !/^[A-Z]?[a-z]+(?:[A-Z][a-z0-9]*)+$|[a-z]\.[a-z]|\/\//.test(text) || /^[0-9a-f]{32,}$/.test(text) && entropy(text) >= 3;
const allowedPath = 'tools/proof/guards/secrets-allowed.json';

/** What one text holds: `[{ what, value }]`. */
export function secretsIn(text) {
  const found = Object.entries(forms).flatMap(([what, form]) => { const match = form.exec(text); return match ? [{ what, value: match[0] }] : []; });
  for (const [pattern, what] of [[beside, 'a value that looks drawn by lot'], [address, 'a password in an address']]) {
    for (const [, value] of text.matchAll(pattern)) if (looksDrawn(value)) found.push({ what, value });
  }
  return found;
}
/** A report never repeats what it found. */
const masked = (value) => `${value.slice(0, 4)}… of ${value.length} characters`;
const isAllowed = (allowed, file, value) => allowed.some((entry) => new RegExp(entry.file).test(file) && value.includes(entry.part));
const binary = /\.(?:png|jpg|woff2?|parquet|xlsx|sqlite|zst|gz|zip|pb|bin|ico)$/;
const planted = ['AKIA', 'Q7RZ', 'M2X4', 'PLNT', 'VW9K'].join('');
const drawn = ['tok', 'en: "', 'q8Zp3VtY', 'w1Lr6NdX', 'c0Kf5B', '"'].join('');

export const secrets = {
  says: 'no secret in clear in any file',
  async look(tree) {
    const { allowed } = tree.json(allowedPath);
    const files = tree.names(/./).filter((name) => !binary.test(name) && name !== 'package-lock.json' && !/airflow-[\d.]+\.txt$/.test(name));
    const found = files.flatMap((file) => secretsIn(tree.text(file)).map((one) => ({ file, ...one })));
    const needless = allowed.filter((entry) => !found.some(({ file, value }) => isAllowed([entry], file, value))).map(({ file, part }) => `${allowedPath} allows ${part} in ${file}, which nothing needs`);
    return { looked: `${files.length} files`, findings: [...needless, ...found.filter(({ file, value }) => !isAllowed(allowed, file, value)).map(({ file, what, value }) => `${file}: ${what}, ${masked(value)}`)] };
  },
  faults: {
    'a key of AWS in a README': { plant: (tree) => tree.edit('README.md', (text) => `${text}\naws_access_key_id = ${planted}\n`), named: 'a key of AWS' },
    'a token in a values file': { plant: (tree) => tree.edit('deploy/helm/agent-etl/ci/small.yaml', (text) => `${text}\n# ${drawn}\n`), named: 'looks drawn' },
    'a private key beside a test': { plant: (tree) => tree.write('apps/e2e/src/key.pem', `-----BEGIN ${'PRIVATE'} KEY-----\n${'MC4CAQAwBQYDK2VwBCIEIPlanted0000'.repeat(2)}\n-----END`), named: 'a private key' },
    'an allowance that nothing needs': { plant: (tree) => tree.editJson(allowedPath, (value) => value.allowed.push({ file: '^README.md$', part: 'nothing', reason: 'none' })), named: 'nothing needs' },
  },
};

/** Commits that are read: enough for the life of a branch; a clone that is shallower is read as far as it goes. */
const COMMITS = 500;
export const history = {
  says: 'no secret in what the latest commits added, also when a later one took it away',
  async look(tree) {
    const log = tree.git('log', '-p', '-U0', '--no-color', '--no-renames', '--no-ext-diff', '-n', String(COMMITS), '--format=commit %h', '--', '.', ':!package-lock.json');
    if (log.status !== 0) return { looked: 'no history here', findings: [] };
    const { allowed } = tree.json(allowedPath);
    let [commit, file, commits] = ['', '', 0];
    const findings = [];
    for (const line of log.stdout.split('\n')) {
      if (line.startsWith('commit ')) { commit = line.slice(7); commits += 1; } else if (line.startsWith('+++ ')) file = line.slice(6);
      else if (line.startsWith('+') && line.length < 20_000) for (const { what, value } of secretsIn(line)) if (!isAllowed(allowed, file, value)) findings.push(`${commit} ${file}: ${what}, ${masked(value)}`);
    }
    return { looked: `${commits} commits`, findings };
  },
  faults: {
    'a key that one commit added and the next took away': {
      plant(tree) {
        const commit = (message) => { tree.git('add', 'leak.txt'); tree.git('-c', 'user.name=planted', '-c', 'user.email=planted@localhost', 'commit', '-qm', message); };
        spawnSync('git', ['init', '-q', tree.folder]);
        tree.write('leak.txt', `key ${planted}\n`);
        commit('in');
        tree.write('leak.txt', 'nothing\n');
        commit('out');
        const restore = tree.restore;
        tree.restore = () => { rmSync(join(tree.folder, '.git'), { recursive: true, force: true }); tree.restore = restore; restore(); };
      },
      named: 'leak.txt: a key of AWS',
    },
  },
};
