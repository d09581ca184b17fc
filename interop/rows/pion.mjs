// Pion's data channels against the program, over loopback.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startProgram } from '../program.mjs';

export const slow = true;

const BINARY = fileURLToPath(new URL('../build/pion', import.meta.url));

export async function run(table) {
  const program = await startProgram();
  await table.row('Pion, channels', 'v4', 'Pion', async () => {
    const { stdout } = await promisify(execFile)(BINARY, [program.url], { timeout: 180_000 });
    const { bytes, channels } = JSON.parse(stdout);
    return { data: `${(bytes / 1e6).toFixed(0)} MB echoed, ${channels} channels` };
  });
  await program.stop();
}
