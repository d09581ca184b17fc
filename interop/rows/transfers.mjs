// One gigabyte through two endpoints in one process while the reader sleeps ten seconds: what both hold is what the process
// holds, and what the ends say of themselves.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { check } from '../table.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TEST = 'neither_end_of_a_long_transfer_holds_much_while_the_reader_sleeps';

// Only with `all`: the release build of the tests takes minutes.
export const slow = true;

function transfer() {
  const began = Date.now();
  const text = execFileSync('cargo', ['test', '--release', '--offline', '--test', 'data_channels', TEST, '--', '--exact'], {
    cwd: ROOT, encoding: 'utf8', env: { ...process.env, AVOCET_LONG: '1' }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  check(text.includes('1 passed'), text);
  return { data: `1 GiB in ${((Date.now() - began) / 1000).toFixed(0)} s` };
}

export async function run(table) {
  await table.row('one gigabyte, reader asleep', '-', '-', transfer);
}
