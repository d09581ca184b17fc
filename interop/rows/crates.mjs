// Single layers against other Rust crates, in memory: each package of peers/ has a lock file of its own, and a test for
// whatever both sides can.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { check } from '../table.mjs';

const PEERS = fileURLToPath(new URL('../peers/', import.meta.url));

function tests(layer) {
  const manifest = `${PEERS}${layer}/Cargo.toml`;
  let text;
  try {
    text = execFileSync('cargo', ['test', '--offline', '--manifest-path', manifest], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`${error.stdout}${error.stderr}`);
  }
  const passed = [...text.matchAll(/test result: ok\. (\d+) passed/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  check(passed > 0, 'no test ran');
  return { data: `${passed} tests` };
}

export async function run(table) {
  const layers = readdirSync(PEERS).filter((layer) => existsSync(`${PEERS}${layer}/tests`));
  for (const layer of layers.sort()) await table.row(`crates: ${layer}`, '-', '-', () => tests(layer));
}
