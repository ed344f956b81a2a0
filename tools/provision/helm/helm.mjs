// Helm, built once from its Go module, and a validator that carries the schemas of Kubernetes. Both are tools of checks, never of a product.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { virtualEnvironment } from '../venv.mjs';

const HELM = 'helm.sh/helm/v3/cmd/helm@v3.22.0';

/** `{ helm, validate }`: paths of the two programs. Throws with one line when one cannot be had. */
export function provisionHelm(cache) {
  const bin = join(cache, 'bin');
  const helm = join(bin, 'helm');
  if (!existsSync(helm)) {
    mkdirSync(bin, { recursive: true });
    process.stderr.write('building Helm from its Go module, about two minutes, once\n');
    const { status, error, stderr } = spawnSync('go', ['install', '-ldflags=-s -w', HELM], { env: { ...process.env, GOBIN: bin, CGO_ENABLED: '0' }, encoding: 'utf8' });
    if (error || status !== 0) throw new Error(`go install: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
  }
  const folder = virtualEnvironment(join(cache, 'kubernetes-validate'), join(import.meta.dirname, 'requirements.txt'));
  return { helm, validate: join(folder, 'bin', 'kubernetes-validate') };
}
