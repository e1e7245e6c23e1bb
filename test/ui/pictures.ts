/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- writes pictures of the editor, it is not a node */
import { join } from 'node:path';

import type { Locator, Page } from 'playwright-core';

import { ROOT } from '../n8n/pack';

const IMAGES = join(ROOT, 'docs', 'images');

/**
 * Takes a screenshot for the docs, if UI_PICTURES is set.
 *
 * @param name of the file in docs/images, without its ending
 */
export async function picture(name: string, of: Locator | Page): Promise<void> {
	if (!process.env.UI_PICTURES) return;
	await of.screenshot({ path: join(IMAGES, `${name}.png`), animations: 'disabled' });
}
