// What classes.json says, as the runner wants it (`config FILE`) and as the last line counts it (`summary NAMES RESULTS`):
// tests of the excluded classes are not run; of all others those that do not pass have failed, and a failure that the
// file does not know is an error.
import { readFileSync, writeFileSync } from 'node:fs';

const { excluded, failing, fatal } = JSON.parse(readFileSync(new URL('classes.json', import.meta.url)));
const patterns = (table) => Object.entries(table).flatMap(([why, list]) => list.map((pattern) => [pattern, why]));
const matcher = (pattern) => new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`);

const [task, file, results] = process.argv.slice(2);
if (task === 'config') {
  const DisabledTests = Object.fromEntries([...patterns(excluded), ...patterns(fatal)]);
  writeFileSync(file, JSON.stringify({ DisabledTests, ErrorMap: {} }));
} else {
  const tests = Object.keys(JSON.parse(readFileSync(file)).tests).filter((name) => name.includes('DTLS'));
  const outcomes = JSON.parse(readFileSync(results)).tests;
  const classes = patterns(excluded).map(([pattern]) => matcher(pattern));
  let passed = 0, disabled = 0;
  const failed = [];
  for (const name of tests) {
    if (outcomes[name]?.actual === 'PASS') passed += 1;
    else if (outcomes[name] === undefined && classes.some((one) => one.test(name))) disabled += 1;
    else failed.push(name);
  }
  const known = [...patterns(failing), ...patterns(fatal)].map(([pattern]) => matcher(pattern));
  const surprising = failed.filter((name) => !known.some((one) => one.test(name)));
  for (const name of surprising) console.log(`failed: ${name}`);
  console.log(`bogo: ${passed} passed, ${failed.length} failed, ${disabled} disabled of ${tests.length}`);
  process.exit(surprising.length > 0 ? 1 : 0);
}
