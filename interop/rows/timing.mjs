// Whether the time that DTLS takes to refuse a tag, a MAC, a cookie or a fingerprint tells where it is wrong.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { check } from '../table.mjs';

export const slow = true;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function measure() {
  const options = ['test', '--release', '--offline', '-p', 'avocet-dtls', 'timing', '--', '--nocapture', '--test-threads', '1'];
  const text = execFileSync('cargo', options, { cwd: ROOT, env: { ...process.env, AVOCET_TIMING: '1' }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const figures = [...text.matchAll(/: t = (-?[\d.]+)/g)];
  check(figures.length > 10, 'nothing was measured');
  return { data: `${figures.length} comparisons` };
}

export async function run(table) {
  await table.row('dtls: time of refusals', '-', '-', measure);
}
