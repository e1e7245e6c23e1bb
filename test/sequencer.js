const { default: Sequencer } = require('@jest/test-sequencer');

/** What takes minutes comes first, the longest at the head, so that no worker is left alone with it at the end. */
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

/** jest's own order, which goes by the time that a file took the last time: on a fresh clone it knows of none. */
module.exports = class extends Sequencer {
	sort(tests) {
		return [...super.sort(tests)].sort((a, b) => rank(a) - rank(b));
	}
};
