/**
 * Loaded into n8n before its own code (node --require): sets its clock ahead by the number of ms in the file that
 * MIDJOURNEY_LATER names, if that exists.
 */
const { existsSync, readFileSync } = require('node:fs');

const { MIDJOURNEY_LATER: file = '' } = process.env;
const { now } = Date;

if (existsSync(file)) {
	const ahead = Number(readFileSync(file, 'utf8'));
	Date.now = () => now() + ahead;
}
