// Ways between a browser and the call example other than plain UDP addresses: names of multicast DNS, and TCP.
import { Call } from '../call.mjs';
import { launch } from '../browsers.mjs';
import { setLoss } from '../loss.mjs';
import { startProgram } from '../program.mjs';
import { check } from '../table.mjs';

// The candidates that the page shows.
const shown = (call) => call.page.evaluate(() => window.avocet.connection.localDescription.sdp.split('\r\n')
  .filter((line) => line.startsWith('a=candidate')));

async function talk(program, browser, query, enough = () => true) {
  const call = await Call.open(browser, program.url, query);
  try {
    const first = await call.until((seen) => seen.framesDecoded > 0, 40);
    await call.say('hello, program');
    const seen = await call.until(({ received }) => received.includes('hello, program'), 50);
    let stats = await program.stats(seen.id);
    // The other side may have been faster with our name than we with its own.
    for (let tries = 0; tries < 40 && !enough(stats); tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      stats = await program.stats(seen.id);
    }
    return { stats, lines: await shown(call), waited: first.waited };
  } finally {
    await call.close();
  }
}

// Neither side shows an address, so nothing can be sent before one of them has resolved a name of the other.
async function underNames(name, offers) {
  const program = await startProgram(['--hide']);
  const browser = await launch(name, { hidden: true });
  try {
    const { stats, lines, waited } = await talk(program, browser, `drawn${offers === 'program' ? '&offer=program' : ''}`,
      ({ remoteHosts }) => remoteHosts.length > 0);
    check(lines.some((line) => line.includes('.local ')), `the page shows ${lines.join(', ')}`);
    check(!lines.some((line) => line.includes(' 10.66.')), `the page shows ${lines.join(', ')}`);
    check(stats.remoteHosts.length > 0, 'no name of the browser was resolved here');
    return { data: 'echo', dtls: stats.dtlsVersion, 'first frame': `${waited.toFixed(2)} s` };
  } finally {
    await browser.close();
    await program.stop();
  }
}

// No datagram passes; the browser opens a connection to the program's passive candidate.
async function overTcp(browser, offers) {
  const program = await startProgram(['--tcp', '0']);
  setLoss(100);
  try {
    const { stats, waited } = await talk(program, browser, offers === 'program' ? 'offer=program' : '');
    check(stats.path === 'tcp', `the path is ${stats.path}`);
    return { video: 'one way', data: 'echo', dtls: stats.dtlsVersion, srtp: stats.srtpProfile, 'first frame': `${waited.toFixed(2)} s` };
  } finally {
    setLoss(0);
    await program.stop();
  }
}

export async function run(table, open) {
  for (const name of ['chromium', 'firefox']) {
    for (const offers of [name, 'program']) {
      await table.row(`${name}, names`, '-', offers, () => underNames(name, offers));
    }
  }
  for (const name of ['chromium', 'firefox']) {
    const browser = await open(name);
    for (const offers of [name, 'program']) {
      await table.row(`${name}, TCP`, '-', offers, () => overTcp(browser, offers));
    }
  }
}
