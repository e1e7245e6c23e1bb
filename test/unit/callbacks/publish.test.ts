import type { IHookFunctions } from 'n8n-workflow';

import { onPublish } from '../../../nodes/Midjourney/operations/trigger';

const REFUSAL = new Error('The request was blocked because it resolves to a restricted IP address');
const URL_HERE = 'http://10.0.0.7:5678/webhook/abc/webhook';
const ALLOWED = 'http://n8n.internal:5678';

/** Publishes a Trigger in an n8n that may call only one address; gives its log and its requests. */
async function publish({
	webhookId = 'abc',
	...parameters
}: { webhookId?: string; onCallback?: string; options?: object } = {}) {
	const warnings: string[] = [];
	const asked: string[] = [];
	const entered: Record<string, unknown> = { onCallback: 'both', ...parameters };
	const context = {
		getNode: () => ({ name: 'The Trigger', webhookId }),
		getNodeParameter: (name: string, fallback: unknown) => entered[name] ?? fallback,
		getNodeWebhookUrl: () => URL_HERE,
		logger: { warn: (words: string) => warnings.push(words), debug: () => {} },
		helpers: {
			httpRequest: async ({ url }: { url: string }) => {
				asked.push(url);
				if (!url.startsWith(ALLOWED)) throw REFUSAL;
			},
		},
	} as unknown as IHookFunctions;
	await onPublish(context);
	return { warnings, asked };
}

describe('A Trigger that is published', () => {
	it.each<[string, Parameters<typeof publish>[0], RegExp[]]>([
		['the URL can be guessed', { webhookId: '', onCallback: 'start' }, [/can be guessed/]],
		['n8n refuses itself', {}, [/'The Trigger' cannot forward calls .*N8N_SSRF_ALLOWED_IP_RANGES/]],
		['it resumes alone', { onCallback: 'resume' }, [/refuses http:\/\/10\.0\.0\.7:5678/]],
		['there is another address', { options: { internalUrl: ALLOWED } }, []],
		['it resumes nothing', { onCallback: 'start' }, []],
		['what is entered is no address', { options: { internalUrl: 'here' } }, []],
	])('logs what will not work: %s', async (_, parameters, expected) => {
		const { warnings } = await publish(parameters);
		expect(warnings).toEqual(expected.map((words) => expect.stringMatching(words)));
	});

	it('sends no request if it resumes nothing', async () => {
		expect((await publish({ onCallback: 'start' })).asked).toEqual([]);
	});
});
