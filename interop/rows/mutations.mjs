// Every capture cut at every octet, and every octet of it changed to every value: what the workspace's tests do in part.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { check } from '../table.mjs';

export const slow = true;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function change() {
  const options = ['test', '--release', '--offline', '-p', 'avocet-media', '--test', 'captures', 'catalogue_m_h'];
  const text = execFileSync('cargo', options, { cwd: ROOT, env: { ...process.env, AVOCET_FULL_MATRIX: '1' }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  check(/test result: ok\. 1 passed/.test(text), 'nothing was changed');
  return { data: 'every octet' };
}

export async function run(table) {
  await table.row('captures, changed', '-', '-', change);
}
