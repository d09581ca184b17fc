// Programs of DTLS rows that speak with each other, and certificates for them.
import { spawn, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

// A program whose output is kept, and that is ended with the row.
export class Program {
  output = '';

  constructor(path, args) {
    this.child = spawn(path, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (text) => { this.output += text; });
    this.child.stdin.on('error', () => {});
    this.child.on('error', (error) => { this.output += error.message; });
  }

  async until(pattern, what, seconds = 15) {
    for (let waited = 0; waited < seconds; waited += 0.05) {
      const found = this.output.match(pattern);
      if (found) return found;
      await pause(0.05);
    }
    throw new Error(`${what} did not come: ${this.output.slice(-400)}`);
  }

  say(line) {
    this.child.stdin.write(line);
  }

  end() {
    this.child.kill('SIGKILL');
  }
}

// A key, a certificate that it signs itself, and a file with both.
export function certificate(folder, name, options = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']) {
  const [key, cert, both] = ['key', 'crt', 'pem'].map((ending) => join(folder, `${name}.${ending}`));
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', '-subj', '/CN=interop', '-keyout', key, '-out', cert, ...options], { stdio: 'ignore' });
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'));
  return { key, cert, both };
}

// What a package of peers/ was built into.
export const built = (folder, name) => join(process.env.CARGO_TARGET_DIR ?? new URL(`peers/${folder}/target`, import.meta.url).pathname, `debug/${name}`);
