// A page of one of the examples with files: opens it, and says what it sees.
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Runs in the page.
async function look() {
  const { connection, error } = window.avocet;
  const seen = { error, state: connection && connection.connectionState, framesDecoded: 0, framesEncoded: 0, keyFramesDecoded: 0, seconds: 0, audioPacketsSent: 0 };
  if (!connection) return seen;
  for (const report of (await connection.getStats()).values()) {
    if (report.type === 'inbound-rtp' && report.kind === 'video') {
      Object.assign(seen, {
        framesDecoded: report.framesDecoded || 0, framesDropped: report.framesDropped || 0, packetsReceived: report.packetsReceived,
        keyFramesDecoded: report.keyFramesDecoded || 0, width: report.frameWidth, height: report.frameHeight,
      });
    } else if (report.type === 'inbound-rtp') {
      Object.assign(seen, { seconds: report.totalSamplesDuration || 0, energy: report.totalAudioEnergy || 0, audioPackets: report.packetsReceived });
    } else if (report.type === 'outbound-rtp' && report.kind === 'video') {
      seen.framesEncoded += report.framesEncoded || 0;
      (seen.layers ||= []).push({ rid: report.rid, framesEncoded: report.framesEncoded, width: report.frameWidth, height: report.frameHeight, mode: report.scalabilityMode });
    } else if (report.type === 'outbound-rtp') {
      seen.audioPacketsSent += report.packetsSent || 0;
    }
  }
  return seen;
}

export class MediaPage {
  // `editAnswer` is a function that is run in the page: (answer, offer) => answer.
  static async open(browser, url, query, editAnswer) {
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(`page: ${error.message}`));
    if (editAnswer) await page.evaluateOnNewDocument(`window.editAnswer = ${editAnswer}`);
    await page.goto(`${url}?${query}`);
    return new MediaPage(page);
  }

  constructor(page) {
    this.page = page;
  }

  look() {
    return this.page.evaluate(look);
  }

  async until(enough, seconds) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const seen = await this.look();
      if (enough(seen)) return seen;
      if (seen.error) throw new Error(seen.error);
      if (Date.now() > end) throw new Error(`not within ${seconds} s: ${JSON.stringify(seen)}`);
      await sleep(50);
    }
  }

  // Hangs up, and goes away.
  async close() {
    await this.page.evaluate(() => window.avocet.connection?.close());
    await sleep(200);
    await this.page.close();
  }
}
