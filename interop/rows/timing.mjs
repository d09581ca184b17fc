// Whether the time that DTLS takes to refuse a tag, a MAC, a cookie or a fingerprint tells where it is wrong.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { check } from '../table.mjs';

export const slow = true;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function measure() {
  const options = ['test', '--release', '--offline', '-p', 'avocet-dtls', 'timing', '--', '--nocapture', '--test-threads', '1'];
  const text = execFileSync('cargo', options, { cwd: ROOT, env: { ...process.env, AVOCET_TIMING: '1' }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const figures = [...text.matchAll(/^(?:test \S+ \.\.\. )?(.+): t = (-?[\d.]+)$/gm)];
  // Of several attempts at one comparison the last one counts.
  const t = new Map(figures.map(([, what, figure]) => [what, Math.abs(figure)]));
  const planted = t.get('a loop with an early end');
  t.delete('a loop with an early end');
  check(t.size > 10 && planted, 'nothing was measured');
  for (const kind of [/Gcm/, /ChaCha/, /Ccm8/, /^a MAC/, /^a cookie/, /^a fingerprint/]) {
    check([...t.keys()].some((what) => kind.test(what)), `${kind} was not measured`);
  }
  return { data: `${t.size} comparisons, t up to ${Math.max(...t.values()).toFixed(1)}; planted leak ${planted.toFixed(0)}` };
}

export async function run(table) {
  await table.row('dtls: time of refusals', '-', '-', measure);
}
