/**
 * Loaded into n8n before its own code (node --require): from its start on, its clock is ahead by as many ms as stand in the
 * file that MIDJOURNEY_LATER names, if there is one.
 */
const { existsSync, readFileSync } = require('node:fs');

const { MIDJOURNEY_LATER: file = '' } = process.env;
const { now } = Date;

if (existsSync(file)) {
	const ahead = Number(readFileSync(file, 'utf8'));
	Date.now = () => now() + ahead;
}
