// Commands that pages show. Above each block a comment says which proof runs it, or why none can; a proof asks here for those that are its own, so that a command which changes on the page changes in the proof.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Pages for those who deploy. */
export const pages = ['deploy/compose/README.md', 'docs/kubernetes.md', 'docs/troubleshooting.md', 'deploy/helm/agent-etl/README.md'];
const marker = /^<!-- (run by: npm run proof -- (?<part>[\w-]+)|not run here: (?<reason>\S.*)) -->$/;

/** Blocks of shell of a page: `{ line, part, reason, commands }`; neither part nor reason where nothing is said. */
export function blocksOf(text) {
  const lines = text.split('\n');
  return lines.flatMap((opening, index) => {
    if (!/^```(?:bash|sh|shell)$/.test(opening)) return [];
    const end = lines.indexOf('```', index + 1);
    return [{ line: index + 1, ...marker.exec(lines[index - 1] ?? '')?.groups, commands: lines.slice(index + 1, end).filter((one) => one.trim() && !one.startsWith('#')) }];
  });
}
/** Commands that a part of the proof has to run. */
export const commandsOf = (part, root) => pages.flatMap((page) => blocksOf(readFileSync(join(root, page), 'utf8')).filter((block) => block.part === part).flatMap(({ commands }) => commands));
