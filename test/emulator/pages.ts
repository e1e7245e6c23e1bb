import type { Answer, Call } from './faults';
import type { Ledger } from './ledger';

/** The emulator's own pages, for people. Faults do not affect them, and the ledger does not count them. */
export function ownPage(
	{ method, path }: Call,
	url: string,
	apiKeys: readonly string[],
	ledger: Ledger,
): Answer | undefined {
	if (method !== 'GET') return undefined;
	if (path === '/') return { status: 200, body: welcome(url, apiKeys) };
	if (path === '/__emulator/ledger') {
		return {
			status: 200,
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(ledger, null, '\t'),
		};
	}
	return undefined;
}

/** What this is and how to use it. */
export function welcome(url: string, apiKeys: readonly string[]): string {
	return `This is an emulator of MidAPI (midapi.ai, kie.ai) and of Vtrix (vtrix.ai). It draws its own pictures;
nothing here costs money.

In the MidAPI credential of n8n, and in the Vtrix credential, fill in
  API Key   ${apiKeys.join(' or ')}
  Base URL  ${url}

To ask it by hand, with the header Authorization: Bearer ${apiKeys[0] ?? ''}
  MidAPI  POST ${url}/api/v1/mj/generate
               {"taskType": "mj_txt2img", "prompt": "a lighthouse"}
          GET  ${url}/api/v1/mj/record-info?taskId=<taskId>
          POST ${url}/api/file-stream-upload (a form with file and uploadPath)
  Vtrix   POST ${url}/model/v1/generation
               {"model": "midjourney_diffusion", "input": [{"params": {"text": "a lighthouse"}}]}
          GET  ${url}/model/v1/generation/task/<id>

A prompt with [fail] or [fail2] in it makes a task that fails.
What was bought and asked so far, for credits at MidAPI (spent) and for dollars at Vtrix (spentUsd):
  ${url}/__emulator/ledger
`;
}
