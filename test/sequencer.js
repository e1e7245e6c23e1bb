const { default: Sequencer } = require('@jest/test-sequencer');

/** Files that take minutes run first, the longest at the head, so that no worker is left with one at the end. */
const LONG = [
	'e2e/callbacks',
	'kill/kill',
	'queue/callbacks',
	'hostile/hostile',
	'ui/editor',
	'e2e/trigger',
	'e2e/callers',
	'hostile/processes',
	'e2e/examples',
	'e2e/operations',
	'faults/read',
	'faults/submit',
];

const rank = ({ path }) => {
	const at = LONG.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
	return at === -1 ? LONG.length : at;
};

/** jest's own order goes by the last duration of each file, which a fresh clone does not know. */
module.exports = class extends Sequencer {
	sort(tests) {
		return [...super.sort(tests)].sort((a, b) => rank(a) - rank(b));
	}
};
