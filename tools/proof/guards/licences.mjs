// Licences of everything that is delivered: packages of the lock that are not for development alone. What may come in stands in licences-allowed.json.
const allowedPath = 'tools/proof/guards/licences-allowed.json';
const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
/** Packages of others that are delivered: path in the lock and its entry. */
export const production = (lock) => Object.entries(lock.packages).filter(([path, entry]) => path.includes('node_modules/') && !entry.link && !entry.dev);
/** Whether an SPDX expression can be kept with what is allowed. */
export function isKept(expression, allowed) {
  const text = expression.replace(/^\((.*)\)$/, '$1').trim();
  if (/\bAND\b/.test(text)) return text.split(/\s+AND\s+/).every((part) => isKept(part, allowed));
  if (/\bOR\b/.test(text)) return text.split(/\s+OR\s+/).some((part) => isKept(part, allowed));
  return allowed.includes(text);
}

export const licences = {
  says: 'every delivered package has a licence that is on the list',
  async look(tree) {
    const { licences: allowed, packages } = tree.json(allowedPath);
    const delivered = production(tree.json('package-lock.json'));
    const used = new Set();
    const findings = delivered.flatMap(([path, { license, version }]) => {
      const name = nameOf(path);
      if (license) { for (const one of allowed) if (license.includes(one)) used.add(one); return isKept(license, allowed) ? [] : [`${name} ${version} is under ${license}`]; }
      used.add(name);
      return packages[name] ? [] : [`${name} ${version} names no licence`];
    });
    const needless = [...allowed, ...Object.keys(packages)].filter((one) => !used.has(one)).map((one) => `${allowedPath} allows ${one}, which nothing needs`);
    return { looked: `${delivered.length} packages, ${allowed.length} licences`, findings: [...findings, ...needless] };
  },
  faults: {
    'a package under the AGPL': { plant: (tree) => tree.editJson('package-lock.json', (lock) => { lock.packages['node_modules/planted'] = { version: '1.0.0', license: 'AGPL-3.0-only' }; }), named: 'planted 1.0.0 is under AGPL-3.0-only' },
    'a package that changed its licence': { plant: (tree) => tree.editJson('package-lock.json', (lock) => { lock.packages['node_modules/kafkajs'].license = 'BUSL-1.1'; }), named: 'kafkajs' },
    'a package without a licence': { plant: (tree) => tree.editJson('package-lock.json', (lock) => { lock.packages['node_modules/planted'] = { version: '1.0.0' }; }), named: 'names no licence' },
    'two licences of which one is not allowed': { plant: (tree) => tree.editJson('package-lock.json', (lock) => { lock.packages['node_modules/planted'] = { version: '1.0.0', license: '(MIT AND GPL-3.0-only)' }; }), named: 'GPL-3.0-only' },
  },
};
