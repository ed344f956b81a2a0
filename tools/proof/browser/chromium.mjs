// Finds a Chromium, or installs the one of the distribution where that is allowed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--force-color-profile=srgb'];

/** @returns the path of a browser, or a sentence that says why there is none */
export function findChromium() {
  const given = process.env.CHROMIUM;
  if (given) return existsSync(given) ? { path: given } : { reason: `CHROMIUM names ${given}, which is not there` };
  const found = usual.find((path) => existsSync(path));
  if (found) return { path: found };
  if (process.getuid?.() !== 0) return { reason: 'no Chromium here: install one, or name it in CHROMIUM' };
  const { status } = spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  return status === 0 && existsSync(usual[0]) ? { path: usual[0] } : { reason: 'no Chromium here, and apt-get could not install it' };
}
export const launch = (path) => chromium.launch({ executablePath: path, headless: true, args: quiet });
