/* eslint-disable @n8n/community-nodes/no-restricted-imports, @typescript-eslint/no-require-imports -- n8n's own search, typed for ES modules alone; it is not a node */
import type { INodeTypeDescription } from 'n8n-workflow';

import { builtNode, midjourney, read } from './built';

/** Whether n8n's search for nodes finds ours by what people type. The search is n8n's own. */

type Search = (typed: string, data: object[]) => Array<{ score: number }>;
const { sublimeSearch } = require('@n8n/utils/search/sublime-search') as { sublimeSearch: Search };

const TRIGGER = 'dist/nodes/Midjourney/MidjourneyTrigger.node.js';
const codexOf = (name: string) =>
	JSON.parse(read(`nodes/Midjourney/${name}.node.json`)) as { alias: string[] };

/** A node in the form that the editor searches. */
const entry = ({ displayName }: INodeTypeDescription, name: string) => ({
	properties: { displayName, codex: codexOf(name) },
});
const node = entry(midjourney().description, 'Midjourney');
const trigger = entry(builtNode(TRIGGER).description, 'MidjourneyTrigger');

/** The score of a match in one piece: a match of scattered letters ranks below all other nodes of the kind. */
const IN_A_PIECE = 100;

const scoreOf = (typed: string, one: object): number =>
	sublimeSearch(typed.toLowerCase(), [one])[0]?.score ?? -Infinity;

describe('The search for nodes', () => {
	it.each([
		...['midjourney', 'mj', 'ai image', 'ai images', 'ai art', 'ai video', 'ai picture'],
		...['generate image', 'generate picture', 'create image', 'image generation', 'make image'],
		...['text to image', 'image to image', 'image to video', 'generate video', 'video'],
		...['picture', 'photo', 'image', 'upscale', 'upscale image', 'vary', 'edit image', 'inpaint'],
		...['outpaint', 'retexture', 'remix', 'animate', 'imagine', 'niji'],
		...['midapi', 'kie', 'kie.ai', 'vtrix'],
	])('finds the node by “%s”', (typed) => {
		expect(scoreOf(typed, node)).toBeGreaterThan(IN_A_PIECE);
	});

	it.each(['midjourney', 'webhook', 'callback', 'ai image', 'vtrix', 'kie', 'midapi', 'video'])(
		'finds the Trigger by “%s”',
		(typed) => {
			expect(scoreOf(typed, trigger)).toBeGreaterThan(IN_A_PIECE);
		},
	);

	it.each(['spreadsheet', 'send an email', 'postgres', 'if'])(
		'does not come up at “%s”',
		(typed) => {
			expect(Math.max(scoreOf(typed, node), scoreOf(typed, trigger))).toBeLessThan(IN_A_PIECE);
		},
	);

	it('shows one entry for both nodes, with the description of the Trigger, which covers both', () => {
		const { description } = builtNode(TRIGGER).description;
		expect(description.startsWith(midjourney().description.description)).toBe(true);
	});
});
