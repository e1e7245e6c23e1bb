/** Repeatable random numbers: the same seed gives the same numbers on every machine. */
export interface Random {
	/** A number in [0, 1). */
	next(): number;
	/** `count` hexadecimal digits, for task ids. */
	hex(count: number): string;
	/** A whole number in `range`, both ends included; a plain number is returned unchanged. */
	within(range: Range): number;
}

/** A fixed number, or the two ends of a random one. */
export type Range = number | readonly [least: number, most: number];

/** mulberry32: 32 bits of state are plenty for task ids and waiting times. */
export function seededRandom(seed: number): Random {
	let state = seed >>> 0;
	const next = () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	return {
		next,
		hex: (count) =>
			Array.from({ length: count }, () => Math.floor(next() * 16).toString(16)).join(''),
		within: (range) => {
			if (typeof range === 'number') return range;
			const [least, most] = range;
			return least + Math.floor(next() * (most - least + 1));
		},
	};
}
