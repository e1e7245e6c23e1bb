/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- starts a browser, it is not a node */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium, type Page } from 'playwright-core';

/** A browser with one window, and the errors in its console. */
export interface Browser {
	readonly page: Page;
	/** Errors that scripts threw or logged, one text each. */
	readonly complaints: string[];
	/** Ends the browser and deletes its profile. */
	close(): Promise<void>;
}

/** Large enough that no part of n8n's editor is folded away. */
const WINDOW = { width: 1280, height: 900 };

const FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
	// The editor calls n8n's makers and npm. Nothing may leave this machine.
	'--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
];

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'].map(
	(name) => join('/usr/bin', name),
);

const INSTALL =
	'apt-get update && apt-get install -y --no-install-recommends chromium fonts-liberation';

/** The path of Chromium: `$MIDJOURNEY_CHROMIUM`, or its place on Linux. Throws an Error that says how to install it. */
export function findChromium(): string {
	const { MIDJOURNEY_CHROMIUM } = process.env;
	const found = MIDJOURNEY_CHROMIUM ?? PROGRAMS.find((path) => existsSync(path));
	if (found !== undefined) return found;
	throw new Error(
		`The tests of the editor need Chromium, and there is none in ${PROGRAMS.join(', ')}. ` +
			`On Debian or Ubuntu, as root: ${INSTALL}. ` +
			`One that is elsewhere is named by MIDJOURNEY_CHROMIUM.`,
	);
}

/** Starts headless Chromium with an empty profile. */
export async function startBrowser(): Promise<Browser> {
	const executablePath = findChromium();
	const profile = await mkdtemp(join(tmpdir(), 'midjourney-browser-'));
	const context = await chromium.launchPersistentContext(profile, {
		...{ executablePath, headless: true, viewport: WINDOW, args: FLAGS },
	});
	const page = context.pages()[0] ?? (await context.newPage());
	const complaints: string[] = [];
	// A page with unsaved changes asks before it is left.
	page.on('dialog', (dialog) => void dialog.accept());
	page.on('pageerror', ({ message }) => complaints.push(message));
	page.on('console', (message) => {
		if (message.type() !== 'error') return;
		// The message of a failed request does not name its URL.
		complaints.push(`${message.text()} (${message.location().url})`);
	});
	return {
		page,
		complaints,
		close: async () => {
			await context.close();
			await rm(profile, { recursive: true, force: true, maxRetries: 5 });
		},
	};
}
