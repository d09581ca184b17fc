// The table that a run prints: one row per thing tried.
const COLUMNS = ['peer', 'version', 'offers', 'video', 'audio', 'data', 'dtls', 'srtp', 'first frame', 'result'];

export function check(holds, what) {
  if (!holds) throw new Error(what);
}

export class Table {
  #rows = [];

  // Runs `run`; what it returns fills cells of its row, what it throws makes the row fail.
  async row(peer, version, offers, run) {
    const cells = { peer, version, offers, result: 'ok' };
    try {
      Object.assign(cells, await run());
    } catch (error) {
      cells.result = 'FAILED';
      cells.why = error.message;
    }
    this.#rows.push(cells);
    console.log(`${cells.result.padEnd(6)} ${peer} (${offers} offers)${cells.why ? `: ${cells.why}` : ''}`);
  }

  get failed() {
    return this.#rows.filter(({ result }) => result !== 'ok').length;
  }

  print() {
    const width = (name) => Math.max(name.length, ...this.#rows.map((cells) => String(cells[name] ?? '-').length));
    const lineOf = (cell) => `| ${COLUMNS.map((name) => String(cell(name)).padEnd(width(name))).join(' | ')} |`;
    console.log(`\n${lineOf((name) => name)}\n|${COLUMNS.map((name) => '-'.repeat(width(name) + 2)).join('|')}|`);
    for (const cells of this.#rows) console.log(lineOf((name) => cells[name] ?? '-'));
    console.log(`\n${this.#rows.length - this.failed} rows ok, ${this.failed} failed`);
  }
}
