// A peer floods the relay of one user: what another user of the same thread notices.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { check } from '../table.mjs';

export const slow = true;

const RUN = fileURLToPath(new URL('../../benches/compare/turn/run.sh', import.meta.url));

export async function run(table) {
  await table.row('our server, a flooded relay', '-', '-', () => {
    const text = execFileSync(RUN, ['flood'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    const rows = [...text.matchAll(/^\| ours \| (.+?) \| (\d+) \| (\d+) µs, (\d+) µs \|$/gm)].filter(([, flood]) => flood !== 'none');
    check(rows.length === 2, text);
    for (const [row, , sent, , p99] of rows) check(sent > 10_000 && p99 < 20_000, row);
    return { data: `p99 ${rows.map(([, , , , p99]) => (p99 / 1000).toFixed(2)).join(', ')} ms` };
  });
}
