// Versions: of packages, of what a forge runs, of images, of Python, of Java, of Go. What is not exact is another program tomorrow.
import { parse } from 'yaml';
import { instructionsOf } from './dockerfiles.mjs';

const exact = /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/;
const groups = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides', 'peerDependencies'];
function packages(tree) {
  const rootPackage = tree.json('package.json');
  const pinned = new Set(groups.flatMap((group) => Object.keys(rootPackage[group] ?? {})));
  return tree.names(/(?:^|^(?:apps|libs)\/[\w-]+\/)package\.json$/).flatMap((name) => groups.flatMap((group) => Object.entries(tree.json(name)[group] ?? {})
    .filter(([one, version]) => !exact.test(version) && !(name !== 'package.json' && version === '*' && (one.startsWith('@agent-etl/') || pinned.has(one)))).map(([one, version]) => `${name}: ${one} ${version}`)));
}
function lock(tree) {
  return Object.entries(tree.json('package-lock.json').packages).filter(([path, { link }]) => path.includes('node_modules/') && !link).flatMap(([path, { integrity, resolved }]) => [
    ...(/^sha512-/.test(integrity ?? '') ? [] : [`package-lock.json: ${path} has no SHA-512`]), ...(resolved === undefined ? [] : [`package-lock.json: ${path} comes from ${resolved}, not from the registry that npm is set to`])]);
}
const isImage = (image) => /@sha256:[0-9a-f]{64}$/.test(image);
function actions(tree) {
  return tree.names(/^\.github\/workflows\/.*\.ya?ml$/).flatMap((name) => [
    ...[...tree.text(name).matchAll(/^\s*-?\s*uses:\s*(\S+)/gm)].filter(([, uses]) => !uses.startsWith('./') && !/@[0-9a-f]{40}$/.test(uses)).map(([, uses]) => `${name}: ${uses} is not by its commit`),
    ...[...tree.text(name).matchAll(/runs-on:\s*(\S+)/g)].filter(([, on]) => /latest/.test(on)).map(([, on]) => `${name}: runs on ${on}`),
    ...[...tree.text(name).matchAll(/^\s*(?:image|container):\s*(\S+)/gm)].filter(([, image]) => !isImage(image)).map(([, image]) => `${name}: image ${image} is not by its digest`)]);
}
function images(tree) {
  const recipes = tree.names(/(?:^|\/)(?:Dockerfile|Containerfile)(?:\.[a-z]+)?$/).flatMap((name) => {
    const all = instructionsOf(tree.text(name));
    const args = new Map(all.filter(([word]) => word === 'ARG').map(([, rest]) => rest.split('=', 2)));
    const stages = new Set(all.filter(([word]) => word === 'FROM').map(([, rest]) => /\sAS\s+(\S+)/i.exec(rest)?.[1]));
    return all.filter(([word]) => word === 'FROM').map(([, rest]) => rest.split(' ')[0].replace(/^\$\{?(\w+)\}?$/, (_, arg) => args.get(arg) ?? '')).filter((image) => image !== 'scratch' && !stages.has(image) && !isImage(image)).map((image) => `${name}: image ${image} is not by its digest`);
  });
  const composed = tree.names(/(?:^|\/)compose(?:\.[\w-]+)?\.ya?ml$/).flatMap((name) => Object.entries(parse(tree.text(name)).services ?? {})
    .filter(([, { image = '', build }]) => !build && !isImage(image) && !/^localhost\/|^agent-etl\//.test(image)).map(([service, { image }]) => `${name}: ${service} has image ${image}, not by its digest`));
  return [...recipes, ...composed];
}
const python = (tree) => tree.names(/(?:^|\/)(?:requirements[\w-]*|airflow-[\d.]+|uv)\.txt$/).flatMap((name) => tree.text(name).replace(/\\\n/g, ' ').split('\n').map((line) => line.replace(/(?:^|\s)#.*$/, '').trim()).filter((line) => line && !line.startsWith('--'))
  .filter((line) => !/^[A-Za-z0-9._-]+(?:\[[\w,-]+\])?==[\w.!+]+(?:\s*;.*?)?(?:\s+--hash=\S+)*$/.test(line)).map((line) => `${name}: ${line.slice(0, 60)}`));
const java = (tree) => tree.names(/(?:^|\/)pom\.xml$/).flatMap((name) => {
  const text = tree.text(name);
  const parts = [...text.matchAll(/<(dependency|plugin|parent)>([\s\S]*?)<\/\1>/g)].map(([, kind, body]) => ({ kind, id: /<artifactId>([^<]+)/.exec(body)?.[1], version: /<version>([^<]+)/.exec(body.replace(/<exclusions>[\s\S]*?<\/exclusions>/, ''))?.[1]?.replace(/\$\{([^}]+)\}/, (_, key) => new RegExp(`<${key}>([^<]+)`).exec(text)?.[1] ?? '') }));
  return parts.filter(({ version }) => !/^\d[\w.-]*$/.test(version ?? '') || /SNAPSHOT/.test(version)).map(({ kind, id, version }) => `${name}: ${kind} ${id} ${version ?? 'without a version'}`);
});
/** Programs that scripts fetch by name. Text of Markdown is for people and is not read. */
const scripts = (tree) => tree.names(/^(?:tools\/(?!proof\/guards\/).*\.mjs|\.ci\/.*|\.github\/workflows\/.*|deploy\/.*(?:Dockerfile|\.sh|\.ya?ml))$/).flatMap((name) => [
  ...[...tree.text(name).matchAll(/[\w-]+(?:\.[\w-]+)+\/[\w./-]+@(?:latest|main|master|HEAD)\b/g)].map(([text]) => `${name}: ${text}`),
  ...[...tree.text(name).matchAll(/\b(?:pip3? install|npm (?:install|i) -g|npx --yes|npx -y)\s+(?!-r\b|--)(\S+)/g)].filter(([, what]) => !/[=@]\d/.test(what)).map(([text]) => `${name}: ${text}`)]);

export const pins = {
  says: 'no version moves: packages, lock, actions, images, Python, Java, Go',
  async look(tree) {
    const kinds = { packages, lock, actions, images, python, java, scripts };
    return { looked: Object.keys(kinds).join(', '), findings: Object.values(kinds).flatMap((kind) => kind(tree)) };
  },
  faults: {
    'a caret': { plant: (tree) => tree.edit('package.json', (text) => text.replace('"zod": "', '"zod": "^')), named: 'package.json: zod ^' },
    'a package of a lib that the root does not pin': { plant: (tree) => tree.edit('libs/contracts/package.json', (text) => text.replace('"zod": "*"', '"zod": "*", "planted": "*"')), named: 'planted *' },
    'a lock entry without a digest': { plant: (tree) => tree.editJson('package-lock.json', (value) => { delete value.packages['node_modules/pg'].integrity; }), named: 'node_modules/pg has no SHA-512' },
    'a package from a git address': { plant: (tree) => tree.editJson('package-lock.json', (value) => { value.packages['node_modules/pg'].resolved = 'git+ssh://git@example.com/pg.git'; }), named: 'comes from git' },
    'an action by its tag': { plant: (tree) => tree.edit('.github/workflows/ci.yml', (text) => text.replace(/@[0-9a-f]{40}/, '@v4')), named: 'is not by its commit' },
    'a runner that moves': { plant: (tree) => tree.edit('.github/workflows/ci.yml', (text) => text.replace(/runs-on: \S+/, 'runs-on: ubuntu-latest')), named: 'ubuntu-latest' },
    'a base image by its tag': { plant: (tree) => tree.edit('deploy/docker/Dockerfile', (text) => text.replace(/@sha256:[0-9a-f]{64}/, '')), named: 'not by its digest' },
    'a broker by its tag': { plant: (tree) => tree.edit('deploy/compose/compose.yaml', (text) => text.replace(/(apache\/kafka:[\d.]+)@sha256:[0-9a-f]{64}/, '$1')), named: 'apache/kafka' },
    'a Python package of any version': { plant: (tree) => tree.edit('tools/provision/helm/requirements.txt', (text) => text.replace('PyYAML==', 'PyYAML>=')), named: 'PyYAML>=' },
    'a Java range': { plant: (tree) => tree.edit('tools/provision/kafka/pom.xml', (text) => text.replace('<version>1.7.36</version>', '<version>[1.7,2)</version>')), named: 'slf4j-simple [1.7,2)' },
    'a Go program at latest': { plant: (tree) => tree.edit('tools/provision/helm/helm.mjs', (text) => text.replace('@v3.22.0', '@latest')), named: 'helm@latest' },
  },
};
