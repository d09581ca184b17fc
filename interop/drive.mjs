// Runs the files of rows/ that are asked for, in the order of their names, and prints their table.
//
// A file of rows exports `run(table, open)`: it adds rows to the table and gets browsers, shared by all files, from
// `open(name)`. One that takes minutes, or builds a peer that does, exports `slow = true` and runs with `all` only.
// With `--list` the names of the chosen files are printed and nothing is run.
import { readdirSync } from 'node:fs';
import { launch } from './browsers.mjs';
import { Table, check } from './table.mjs';

const list = process.argv.includes('--list');
const wanted = process.argv.slice(2).filter((word) => word !== '--list');
const files = readdirSync(new URL('rows/', import.meta.url)).sort()
  .filter((file) => file.endsWith('.mjs')).map((file) => file.replace(/\.mjs$/, ''));
for (const name of wanted) check(name === 'all' || files.includes(name), `no rows called ${name}; there are: ${files.join(', ')}`);

const browsers = new Map();
const open = async (name) => {
  if (!browsers.has(name)) browsers.set(name, await launch(name));
  return browsers.get(name);
};

const chosen = [];
for (const name of files) {
  const rows = await import(`./rows/${name}.mjs`);
  if (wanted.includes('all') || (wanted.length === 0 ? !rows.slow : wanted.includes(name))) chosen.push([name, rows]);
}
if (list) {
  console.log(chosen.map(([name]) => name).join('\n'));
  process.exit(0);
}

const table = new Table();
for (const [name, rows] of chosen) {
  // What breaks outside of a row must not hide the rows of the other files.
  await rows.run(table, open).catch((error) => table.row(`rows of ${name}`, '-', '-', () => { throw error; }));
}
for (const browser of browsers.values()) await browser.close();
table.print();
process.exit(table.failed ? 1 : 0);
