// Pages for those who deploy: each command is run by a proof or says why not, each code, alert and role that they name exists.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { blocksOf, pages } from '../pages.mjs';

function blockFaults(tree, page) {
  const proofs = tree.text('tools/proof.mjs');
  return blocksOf(tree.text(page)).flatMap(({ line, part, reason, commands }) => {
    const at = `${page}:${line}`;
    if (!part && !reason) return [`${at}: nobody says who runs it: ${commands[0]}`];
    if (part && (!proofs.includes(`tools/proof/${part}.mjs`) || !/pages\.mjs|commands\.mjs/.test(tree.text(`tools/proof/${part}.mjs`)))) return [`${at}: the proof ${part} does not run what pages show`];
    return part === 'guards' ? ran(commands).map((what) => `${at}: ${what}`) : [];
  });
}
const results = new Map();
/** Runs a block in an empty folder, once per text; answers what went wrong. */
function ran(commands) {
  const text = commands.join('\n');
  if (!results.has(text)) {
    const folder = mkdtempSync(join(tmpdir(), 'etl-page-'));
    const { status, stderr } = spawnSync('/bin/sh', ['-e', '-c', text], { cwd: folder, encoding: 'utf8' });
    results.set(text, status === 0 ? [] : [`ended with ${status}: ${stderr.trim().split('\n').at(-1)}`]);
    rmSync(folder, { recursive: true, force: true });
  }
  return results.get(text);
}
function linkFaults(tree, page) {
  const anchors = (name) => new Set([...tree.text(name).matchAll(/^#+ (.+)$/gm)].map(([, title]) => title.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-')));
  return [...tree.text(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(([, to, anchor]) => {
    const name = to ? join(dirname(page), to) : page;
    if (!existsSync(join(tree.folder, name))) return [`${page} links ${to}, which is not there`];
    return anchor && !anchors(name).has(anchor) ? [`${page} links ${to}#${anchor}, which has no such heading`] : [];
  });
}
function nameFaults(tree) {
  const trouble = tree.text('docs/troubleshooting.md');
  const codes = new Set([...tree.text('docs/reference/errors.md').matchAll(/^\| `([a-z.-]+)` \|/gm)].map(([, code]) => code));
  const areas = new Set([...codes].map((code) => code.split('.')[0]));
  const alerts = parse(tree.text('deploy/helm/agent-etl/files/alerts.yaml')).groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
  const rows = [...trouble.matchAll(/^\| (Etl\w+) \|/gm)].map(([, alert]) => alert);
  const roles = (text) => [...text.matchAll(/^CREATE (?:ROLE|DATABASE) (\w+)/gm)].map(([, name]) => name).filter((name) => name !== 'warehouse').sort().join(' ');
  const [ofChart, ofCompose] = ['deploy/helm/agent-etl/README.md', 'deploy/compose/roles.sql'].map((name) => roles(tree.text(name)));
  return [
    ...[...trouble.matchAll(/`([a-z]+\.[a-z-]+)`/g)].map(([, code]) => code).filter((code) => areas.has(code.split('.')[0]) && !codes.has(code)).map((code) => `docs/troubleshooting.md names ${code}, which is no code`),
    ...alerts.filter((alert) => !rows.includes(alert)).map((alert) => `docs/troubleshooting.md has no row for the alert ${alert}`), ...rows.filter((alert) => !alerts.includes(alert)).map((alert) => `docs/troubleshooting.md has a row for ${alert}, which is no alert`),
    ...(ofChart === ofCompose ? [] : [`the roles of the chart's page (${ofChart}) are not those of compose (${ofCompose})`]),
  ];
}

export const commands = {
  says: 'each command of the pages for platforms is run or says why not, each code, alert, role and link exists',
  async look(tree) {
    const shown = pages.flatMap((page) => blocksOf(tree.text(page)));
    const findings = [...pages.flatMap((page) => [...blockFaults(tree, page), ...linkFaults(tree, page)]), ...nameFaults(tree)];
    const count = (of) => of.reduce((sum, one) => sum + one.commands.length, 0);
    return { looked: `${count(shown.filter(({ part }) => part))} commands are run, ${count(shown.filter(({ part }) => !part))} are not`, findings };
  },
  faults: Object.fromEntries(Object.entries({
    'a command that nobody runs': ['docs/kubernetes.md', (text) => `${text}\n\`\`\`bash\nhelm history agent-etl\n\`\`\`\n`, 'helm history agent-etl'],
    'a proof that does not exist': ['docs/kubernetes.md', (text) => text.replace('run by: npm run proof -- deploy', 'run by: npm run proof -- helm'), 'the proof helm'],
    'a command with a mistake': ['docs/kubernetes.md', (text) => text.replace('-algorithm ed25519', '-algorithm ed25591'), 'ended with'],
    'a code that does not exist': ['docs/troubleshooting.md', (text) => text.replace('`connection.auth-failed`', '`connection.auth-refused`'), 'connection.auth-refused'],
    'an alert without a row': ['deploy/helm/agent-etl/files/alerts.yaml', (text) => text.replace('EtlTasksWait', 'EtlTasksStarve'), 'EtlTasksStarve'],
    'a heading that is gone': ['docs/troubleshooting.md', (text) => text.replace('## Alerts', '## Pages'), 'no such heading'],
    'a role that only one page has': ['deploy/compose/roles.sql', (text) => text.replace(/^CREATE ROLE worker .*\n/m, ''), 'the roles of'],
  }).map(([what, [name, change, named]]) => [what, { plant: (tree) => tree.edit(name, change), named }])),
};
