import type { Emulator } from '../emulator';
import { until } from '../n8n/until';

const MINUTE = 60_000;

/** Holds back all files of a provider. */
export function holdFiles(emulator: Emulator): { letGo(): void; areAskedFor(): Promise<unknown> } {
	let asked = 0;
	let open = () => {};
	const isOpen = new Promise<void>((resolve) => (open = resolve));
	const mend = emulator.intercept(async ({ path }) => {
		if (path.startsWith('/files/')) {
			asked++;
			await isOpen;
		}
		return undefined;
	});
	return {
		letGo: () => {
			mend();
			open();
		},
		areAskedFor: async () =>
			await until(
				'files are asked for',
				() => asked,
				(count) => count > 0,
				MINUTE,
			),
	};
}
