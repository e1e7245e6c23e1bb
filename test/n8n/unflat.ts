import { isObject } from './json';

/**
 * Reads the format in which n8n stores executions (the npm package "flatted", whose types a CommonJS project cannot
 * import): a JSON list in which every string inside an object or list is the index of the entry that belongs there.
 * References become the very same object again, circles too.
 */
export function unflat(flat: string): unknown {
	const entries: unknown = JSON.parse(flat);
	if (!Array.isArray(entries)) throw new Error('Not in the format of "flatted": no list');
	const done = new Set<unknown>();
	const resolve = (value: unknown): unknown =>
		typeof value === 'string' ? revive(entries[Number(value)]) : value;
	const revive = (entry: unknown): unknown => {
		// Stored before its members are read, so that a circle ends here.
		if (done.has(entry)) return entry;
		done.add(entry);
		if (Array.isArray(entry)) entry.forEach((value, at) => (entry[at] = resolve(value)));
		else if (isObject(entry)) for (const key in entry) entry[key] = resolve(entry[key]);
		return entry;
	};
	return revive(entries[0]);
}
