/**
 * Tells what became of the steps of `.ci/run`, by the counts that jest has written.
 *
 * `node .ci/report.mjs step <folder> <name>`: why tests of a step have failed.
 * `node .ci/report.mjs all <folder> <name>…`: one line for each test that has not passed, then "N passed, N failed"; exit
 * code 0 only when something passed and nothing failed.
 *
 * The folder holds `<name>.json` (jest's), `<name>.status` and `<name>.log` of each step.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const [what, folder, ...names] = process.argv.slice(2);

const MOST_TOLD = 5;
const MOST_LINES = 40;
const MOST_NAMED = 100;

/** All tests that have not passed, as `{ line, why }`, and the number of those that have. */
function outcomeOf(name) {
	const status = Number(readFileSync(join(folder, `${name}.status`), 'utf8'));
	let counts;
	try {
		counts = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
	} catch {
		// jest did not get as far as writing its counts.
		const log = plain(readFileSync(join(folder, `${name}.log`), 'utf8'));
		const why = log.trimEnd().split('\n').slice(-MOST_LINES).join('\n');
		return { passed: 0, failed: [{ line: `${name}: no test was run (code ${status})`, why }] };
	}
	const failed = counts.testResults.flatMap(({ name: path, message, assertionResults, status }) => {
		const file = relative(join(process.cwd(), 'test'), path);
		const bad = assertionResults.filter((one) => one.status !== 'passed');
		// A file that does not load has no tests.
		if (status === 'failed' && bad.length === 0) {
			return [{ line: `${file}: does not run`, why: plain(message) }];
		}
		return bad.map(({ ancestorTitles, title, status: how, failureMessages }) => ({
			line: `${file} › ${[...ancestorTitles, title].join(' › ')}${how === 'failed' ? '' : ` (${how})`}`,
			why: plain(failureMessages.join('\n')),
		}));
	});
	if (failed.length === 0 && status !== 0)
		failed.push({ line: `${name}: code ${status}`, why: '' });
	return { passed: counts.numPassedTests, failed };
}

/** Removes colours. */
const plain = (text) => text.replace(/\u001b\[[\d;]*m/g, '');

if (what === 'step') {
	const { passed, failed } = outcomeOf(names[0]);
	for (const { line, why } of failed.slice(0, MOST_TOLD)) {
		console.log(`● ${line}`);
		for (const row of why.split('\n').slice(0, MOST_LINES)) console.log(`    ${row}`);
	}
	console.log(`== ${names[0]}: ${passed} passed, ${failed.length} failed`);
} else {
	const outcomes = names.map(outcomeOf);
	const passed = outcomes.reduce((sum, one) => sum + one.passed, 0);
	const failed = outcomes.flatMap((one) => one.failed);
	for (const { line } of failed.slice(0, MOST_NAMED)) console.log(`FAILED ${line.slice(0, 200)}`);
	if (failed.length > MOST_NAMED) console.log(`… and ${failed.length - MOST_NAMED} more`);
	console.log(`${passed} passed, ${failed.length} failed`);
	process.exitCode = failed.length === 0 && passed > 0 ? 0 : 1;
}
