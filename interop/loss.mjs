// Random loss on every UDP datagram of the namespace: the packet filter's random number decides.
import { execFileSync } from 'node:child_process';

export function setLoss(percent) {
  try { execFileSync('nft', ['delete', 'table', 'inet', 'loss'], { stdio: 'ignore' }); } catch { /* there was none */ }
  if (percent === 0) return;
  // The random number is below 100: a limit of 100 cannot be said, and means everything.
  const chosen = percent < 100 ? `numgen random mod 100 < ${percent}` : '';
  execFileSync('nft', ['-f', '-'], {
    input: `table inet loss {
      chain in {
        type filter hook input priority 0;
        meta l4proto udp ${chosen} counter drop
      }
    }`,
  });
}

// How many datagrams were dropped: a run under loss that lost nothing shows nothing.
export function lost() {
  const text = execFileSync('nft', ['list', 'table', 'inet', 'loss'], { encoding: 'utf8' });
  return Number(text.match(/counter packets (\d+)/)[1]);
}
