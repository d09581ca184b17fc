// The call example as a process: starts it, finds its address, ends it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BINARY = fileURLToPath(new URL('../target/release/examples/call', import.meta.url));

export async function startProgram(options = []) {
  const binary = process.env.CARGO_TARGET_DIR ? `${process.env.CARGO_TARGET_DIR}/release/examples/call` : BINARY;
  const child = spawn(binary, options, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    const url = line.match(/^https?:\/\/[^ ]+\/$/);
    if (url) {
      return {
        url: url[0],
        stats: async (id) => (await fetch(`${url[0]}calls/${id}/stats`)).json(),
        alive: () => child.exitCode === null,
        stop: async () => { child.kill(); await ended; },
      };
    }
  }
  throw new Error('the program ended without printing its address');
}
