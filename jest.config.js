/**
 * One project per floor of the tests; `npm test` runs the first three, each of the others has a script of its own.
 */
const project = (name, extra = {}) => ({
	displayName: name,
	testEnvironment: 'node',
	testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
	transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.test.json', diagnostics: false }] },
	...extra,
});

module.exports = {
	// A hang is noticed all the same; a machine that does other things at the same time is none.
	testTimeout: 20_000,
	testSequencer: '<rootDir>/test/sequencer.js',
	// For `npm run coverage`. The engine runs the built node, whose source maps lead back to the sources: each line counts once.
	collectCoverageFrom: ['{nodes,credentials}/**/*.ts', 'dist/**/*.js'],
	coverageReporters: [['text', { skipFull: true }]],
	// Some two percent below what there is.
	coverageThreshold: { global: { statements: 95, branches: 91, functions: 94, lines: 95 } },
	projects: [
		project('unit'),
		project('engine'),
		project('package'),
		project('e2e'),
		project('queue'),
		project('faults'),
		project('kill'),
		project('hostile', { testPathIgnorePatterns: ['/floods\\.test\\.ts$'] }),
		// They measure: nothing else may run beside them.
		project('floods', { testMatch: ['<rootDir>/test/hostile/floods.test.ts'] }),
		project('ui'),
	],
};
