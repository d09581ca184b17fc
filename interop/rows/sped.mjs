// DTLS inside connectivity checks (SPED) against the one browser that knows it, behind its field trial.
import { Call } from '../call.mjs';
import { launch } from '../browsers.mjs';
import { startProgram } from '../program.mjs';
import { check } from '../table.mjs';

async function carriedCall(program, browser, offers) {
  const call = await Call.open(browser, program.url, offers === 'program' ? 'offer=program' : '');
  try {
    const first = await call.until((seen) => seen.framesDecoded > 0, 30);
    const seen = await call.until((now) => now.framesDecoded > 10 && now.audioPackets > 10, 40);
    const ours = await program.stats(seen.id);
    check(ours.dtlsVersion === '1.3', `DTLS ${ours.dtlsVersion}`);
    check(ours.dtlsCarried > 0, 'no datagram of the handshake came inside a check');
    // In about a third of the calls the browser was seen to use the connection after 10 ms and to acknowledge our last flight only
    // when it came again, after 50: that one repeat holds up nothing.
    check(ours.dtlsTimeouts <= 1, `${ours.dtlsTimeouts} timeouts of the handshake`);
    return {
      video: 'both', audio: 'both', data: `${ours.dtlsCarried} carried`, dtls: ours.dtlsVersion, srtp: ours.srtpProfile,
      'first frame': `${first.waited.toFixed(2)} s`,
    };
  } finally {
    await call.close();
  }
}

export async function run(table) {
  const program = await startProgram();
  const browser = await launch('chromium', { fieldTrials: 'WebRTC-IceHandshakeDtls/Enabled/' });
  try {
    const version = (await browser.version()).replace(/^[^/]*\//, '');
    for (const offers of ['chromium', 'program']) {
      await table.row('chromium, SPED', version, offers, () => carriedCall(program, browser, offers));
    }
  } finally {
    await browser.close();
    await program.stop();
  }
}
