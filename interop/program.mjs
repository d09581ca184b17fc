// An example as a process: starts it, finds its address, hears what it says, ends it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

// The built file of an example.
export function binary(name) {
  const target = process.env.CARGO_TARGET_DIR || fileURLToPath(new URL('../target', import.meta.url));
  return `${target}/release/examples/${name}`;
}

export async function startProgram(options = [], name = 'call') {
  const child = spawn(binary(name), options, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = [];
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      const url = line.match(/^https?:\/\/[^ ]+\/$/);
      if (url) {
        resolve({
          url: url[0],
          lines,
          stats: async (id) => (await fetch(`${url[0]}calls/${id}/stats`)).json(),
          alive: () => child.exitCode === null,
          stop: async () => { child.kill(); await ended; },
        });
      }
    }).on('close', () => reject(new Error('the program ended without printing its address')));
  });
}
