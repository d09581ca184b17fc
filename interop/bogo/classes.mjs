// What classes.json says, as the runner wants it (`config FILE`) and as the last line counts it (`summary NAMES RESULTS`):
// tests of the excluded classes are not run; of all others those that do not pass have failed. The list has to stay true:
// a failure that it does not know is an error, and so is a listed one that passes, and a pattern that means nothing. Where chance
// decides, either is right, and a failure still counts as one.
import { readFileSync, writeFileSync } from 'node:fs';

const { excluded, failing, varying } = JSON.parse(readFileSync(new URL('classes.json', import.meta.url)));
const patterns = (table) => Object.values(table).flat();
const matcher = (pattern) => new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`);

const [task, file, results] = process.argv.slice(2);
if (task === 'config') {
  const reasons = Object.entries(excluded).flatMap(([why, list]) => list.map((pattern) => [pattern, why]));
  writeFileSync(file, JSON.stringify({ DisabledTests: Object.fromEntries(reasons), ErrorMap: {} }));
} else {
  const tests = Object.keys(JSON.parse(readFileSync(file)).tests).filter((name) => name.includes('DTLS'));
  const outcomes = JSON.parse(readFileSync(results)).tests;
  const among = (table) => {
    const list = patterns(table).map(matcher);
    return (name) => list.some((one) => one.test(name));
  };
  const [isExcluded, isKnown, varies] = [among(excluded), among(failing), among(varying)];
  const passed = tests.filter((name) => outcomes[name]?.actual === 'PASS');
  const disabled = tests.filter((name) => outcomes[name] === undefined && isExcluded(name));
  const failed = tests.filter((name) => !passed.includes(name) && !disabled.includes(name));
  const complaints = [
    ...failed.filter((name) => !isKnown(name) && !varies(name)).map((name) => `failed: ${name}`),
    ...passed.filter(isKnown).map((name) => `passes by now, and is listed as failing: ${name}`),
    ...[...patterns(excluded), ...patterns(failing), ...patterns(varying)]
      .filter((pattern) => !tests.some((name) => matcher(pattern).test(name)))
      .map((pattern) => `means no test: ${pattern}`),
  ];
  complaints.forEach((line) => console.log(line));
  console.log(`bogo: ${passed.length} passed, ${failed.length} failed, ${disabled.length} disabled of ${tests.length}`);
  process.exit(complaints.length > 0 ? 1 : 0);
}
