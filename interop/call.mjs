// One page in one call: opens it, watches it, says what it saw.

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Runs in the page.
async function look() {
  const seen = { state: null, framesDecoded: 0, audioPackets: 0, keyframesRequested: 0, nacksSent: 0, dtls: null, srtp: null };
  const { connection, id, received, error } = window.avocet;
  Object.assign(seen, { id, received: [...received], error });
  if (!connection) return seen;
  seen.state = connection.connectionState;
  for (const report of (await connection.getStats()).values()) {
    if (report.type === 'inbound-rtp' && report.kind === 'video') {
      seen.framesDecoded += report.framesDecoded || 0;
      seen.keyframesRequested += (report.pliCount || 0) + (report.firCount || 0);
      seen.nacksSent += report.nackCount || 0;
    } else if (report.type === 'inbound-rtp') {
      seen.audioPackets += report.packetsReceived || 0;
    } else if (report.type === 'transport' && report.dtlsState) {
      seen.dtls = { FEFD: '1.2', FEFC: '1.3' }[report.tlsVersion] || report.tlsVersion;
      seen.srtp = report.srtpCipher;
    }
  }
  return seen;
}

export class Call {
  static async open(browser, url, query) {
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(`page: ${error.message}`));
    const began = Date.now();
    await page.goto(`${url}?auto&${query}`);
    return new Call(page, began);
  }

  constructor(page, began) {
    Object.assign(this, { page, began });
  }

  look() {
    return this.page.evaluate(look);
  }

  // Looks until `enough` is content, and returns what was seen last. Says after how long it was.
  async until(enough, seconds) {
    for (let seen; ;) {
      seen = await this.look();
      const waited = (Date.now() - this.began) / 1000;
      if (enough(seen)) return { ...seen, waited };
      if (seen.error) throw new Error(seen.error);
      if (waited > seconds) throw new Error(`not within ${seconds} s: ${JSON.stringify(seen)}`);
      await sleep(50);
    }
  }

  // What changes in a stretch of time.
  async during(seconds) {
    const before = await this.look();
    await sleep(seconds * 1000);
    const after = await this.look();
    const grown = (name) => after[name] - before[name];
    return {
      framesDecoded: grown('framesDecoded'), keyframesRequested: grown('keyframesRequested'), nacksSent: grown('nacksSent'),
    };
  }

  async say(text) {
    await this.page.evaluate((line) => window.avocet.send(line), text);
  }

  // What the page says to a person.
  words() {
    return this.page.evaluate(() => ['state', 'local-caption', 'help'].map((id) => document.getElementById(id).textContent));
  }

  close() {
    return this.page.close();
  }
}
