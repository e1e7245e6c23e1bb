const { rm } = require('node:fs/promises');
const { dest, src } = require('gulp');

/** What tsc does not emit and n8n reads beside the built code: icons, codex files, output schemas. */
const assets = () =>
	src(['{nodes,credentials}/**/*.svg', 'nodes/**/*.node.json', 'nodes/**/__schema__/**/*.json'], {
		base: '.',
		encoding: false,
	}).pipe(dest('dist'));

/** Empties dist, so that no file of a deleted source is ever packed. */
const clean = async () => await rm('dist', { recursive: true, force: true });

module.exports = { assets, clean, default: assets };
