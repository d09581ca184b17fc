// Pion's TURN client against our server.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { HOST, PASSWORD, Server, UDP, USER } from './turn_server.mjs';

export const slow = true;

const BINARY = fileURLToPath(new URL('../build/pion_turn', import.meta.url));

export async function run(table) {
  const folder = mkdtempSync(join(tmpdir(), 'avocet-turnpion-'));
  const server = await Server.start(folder);
  try {
    for (const network of ['udp', 'tcp']) {
      await table.row(`our server, Pion, ${network.toUpperCase()}`, 'v4', 'Pion', async () => {
        const { stdout } = await promisify(execFile)(BINARY, [network, `${HOST}:${UDP}`, USER, PASSWORD], { timeout: 60_000 });
        return { data: `${JSON.parse(stdout).echoed} both ways` };
      });
    }
  } finally {
    server.child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
