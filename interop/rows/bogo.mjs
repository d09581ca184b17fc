// BoringSSL's protocol tests: one row with the line in which ../bogo/run.sh sums them up.
import { spawnSync } from 'node:child_process';
import { check } from '../table.mjs';

export async function run(table) {
  await table.row('BoGo', 'boring-sys 5.4', '-', () => {
    const { status, stdout } = spawnSync(new URL('../bogo/run.sh', import.meta.url).pathname, { encoding: 'utf8' });
    const last = stdout.trim().split('\n');
    check(status === 0, last.slice(-20).join('; '));
    return { dtls: last.at(-1) };
  });
}
