/** One project per floor of the tests; `npm test` runs the first three, `npm run test:e2e`, `npm run test:queue` and `npm run test:kill` the others. */
const project = (name, extra = {}) => ({
	displayName: name,
	testEnvironment: 'node',
	testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
	transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.test.json', diagnostics: false }] },
	...extra,
});

module.exports = {
	projects: [
		project('unit'),
		project('engine'),
		project('package'),
		project('e2e'),
		project('queue'),
		project('kill'),
	],
};
