// Dockerfiles: what hadolint says, and what images of this product promise beyond it: a user with a number, programs without a shell, nothing fetched, no secret as an argument.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Instructions of a Dockerfile, continued lines joined, comments left out: `[word, rest]`. */
export const instructionsOf = (text) => text.replace(/^\s*#.*\n/gm, '').replace(/\\\n/g, ' ').split('\n').map((line) => line.trim()).filter(Boolean).map((line) => { const [, word, rest = ''] = /^(\S+)\s*(.*)$/.exec(line); return [word.toUpperCase(), rest]; });
/** Stages in order, each with its instructions; a line beside a heredoc's body is not one. */
function stagesOf(text) {
  const stages = [];
  for (const [word, rest] of instructionsOf(text)) if (word === 'FROM') stages.push({ from: rest, lines: [] }); else stages.at(-1)?.lines.push([word, rest]);
  return stages;
}
function breachesOf(text) {
  const all = instructionsOf(text);
  const stages = stagesOf(text);
  const last = stages.at(-1)?.lines ?? [];
  const final = (word) => last.filter(([one]) => one === word).at(-1)?.[1];
  const rules = {
    'its last stage does not run as user 10001:10001': final('USER') === '10001:10001',
    'its ENTRYPOINT is not in exec form': /^\[".*"\]$/.test(final('ENTRYPOINT') ?? ''),
    'it fetches with ADD': all.every(([word]) => word !== 'ADD'),
    'it has a HEALTHCHECK, which OCI images drop': all.every(([word]) => word !== 'HEALTHCHECK'),
    'it names a secret in ENV or ARG': all.every(([word, rest]) => !['ENV', 'ARG'].includes(word) || !/PASSWORD|SECRET|TOKEN|_KEY\b/i.test(rest)),
    'it installs without the lock': all.every(([word, rest]) => word !== 'RUN' || !/npm (?:install|i)\b|yarn |npx /.test(rest)),
    'it pipes what it fetched into a shell': all.every(([word, rest]) => word !== 'RUN' || !/(?:curl|wget)[^|;&]*\|\s*(?:ba)?sh/.test(rest)),
    'it becomes root in its last stage': last.every(([word, rest]) => word !== 'USER' || rest.startsWith('10001')),
  };
  return Object.entries(rules).filter(([, isKept]) => !isKept).map(([says]) => says);
}

const isRecipe = /(?:^|\/)(?:Dockerfile|Containerfile)(?:\.[a-z]+)?$/;
export const dockerfiles = {
  says: 'hadolint has nothing to say, and images run as user 10001 without a shell',
  async look(tree, { hadolint }) {
    const names = tree.names(isRecipe);
    const findings = names.flatMap((name) => {
      const { status, stdout, stderr } = spawnSync(hadolint, ['--no-color', name], { cwd: tree.folder, encoding: 'utf8' });
      return [...(status === 0 ? [] : (stdout + stderr).trim().split('\n')), ...breachesOf(tree.text(name)).map((says) => `${join(name)}: ${says}`)];
    });
    return { looked: names.join(', '), findings };
  },
  faults: Object.fromEntries(Object.entries({
    'root as user': [(text) => text.replace('USER 10001:10001', 'USER 0'), 'user 10001'],
    'a program behind a shell': [(text) => text.replace(/ENTRYPOINT .*/, 'ENTRYPOINT node start.mjs'), 'exec form'],
    'something fetched into a shell': [(text) => `${text}\nRUN curl -s https://example.com/x.sh | sh\n`, 'into a shell'],
    'a token as an argument': [(text) => text.replace(/^ARG APP$/m, 'ARG APP\nARG NPM_TOKEN'), 'secret in ENV or ARG'],
    'packages beside the lock': [(text) => `${text}\nRUN npm install express\n`, 'without the lock'],
    'a package of the system without a version (hadolint)': [(text) => `${text}\nRUN apt-get install curl\n`, 'DL3008'],
  }).map(([what, [change, named]]) => [what, { plant: (tree) => tree.edit('deploy/docker/Dockerfile', change), named }])),
};
