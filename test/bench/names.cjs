/**
 * Loaded into n8n before its own code: the names under `.provider.test` lead to this machine, so that the emulator has an
 * address that looks public, to which no call can come back.
 */
const dns = require('node:dns');

const { lookup } = dns;
const LOOPBACK = { address: '127.0.0.1', family: 4 };

dns.lookup = (hostname, options, callback) => {
	const done = callback ?? options;
	if (!String(hostname).endsWith('.provider.test')) return lookup(hostname, options, callback);
	const all = typeof options === 'object' && options !== null && options.all === true;
	process.nextTick(() =>
		all ? done(null, [LOOPBACK]) : done(null, LOOPBACK.address, LOOPBACK.family),
	);
	return {};
};
