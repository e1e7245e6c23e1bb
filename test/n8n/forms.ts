import type { N8nServer } from './server';
import { until } from './until';

/** What a browser sends of a form with these fields; a file is an upload. */
export function filledIn(fields: Array<string | File> = ['the second one']): FormData {
	const form = new FormData();
	fields.forEach((value, position) => form.append(`field-${position}`, value));
	return form;
}

/** Opens the form of a published workflow, fills in its fields in their order and sends them; gives n8n's answer. */
export async function sendForm(
	n8n: N8nServer,
	webhookId: string,
	fields: Array<string | File>,
): Promise<Response> {
	const url = `${n8n.webhookUrl}/form/${webhookId}`;
	await until(
		'the form is there',
		async () => (await fetch(url)).status,
		(status) => status === 200,
	);
	// n8n listens for what is sent a moment after it shows the form.
	const answer = await until(
		'the form is taken',
		async () => await fetch(url, { method: 'POST', body: filledIn(fields) }),
		({ status }) => status !== 404,
	);
	if (!answer.ok) throw new Error(`The form was answered ${answer.status}`);
	return answer;
}

/** A form of n8n as a browser goes through it. */
export class FormVisit {
	private constructor(
		/** Where the execution shows its pages. */
		private readonly waitingUrl: string,
		readonly executionId: string,
	) {}

	/** Sends the form of a published workflow that has more pages. */
	static async begin(
		n8n: N8nServer,
		webhookId: string,
		fields: Array<string | File>,
	): Promise<FormVisit> {
		const answer = await sendForm(n8n, webhookId, fields);
		const { formWaitingUrl = '' } = (await answer.json()) as { formWaitingUrl?: string };
		const executionId = new URL(formWaitingUrl).pathname.split('/').pop() ?? '';
		return new FormVisit(formWaitingUrl, executionId);
	}

	/** Waits as the page in the browser does until there is a next one; gives its HTML. */
	async nextPage(timeoutMs: number): Promise<string> {
		const status = new URL(this.waitingUrl);
		status.pathname += '/n8n-execution-status';
		await until(
			'the next page of the form is there',
			async () => (await (await fetch(status)).text()).trim(),
			(state) => state === 'form-waiting',
			timeoutMs,
		);
		const answer = await fetch(this.waitingUrl);
		return await answer.text();
	}

	/** Sends the page; without fields: what the last page sends of itself. */
	async send(fields: string[] = []): Promise<void> {
		const answer = await fetch(this.waitingUrl, { method: 'POST', body: filledIn(fields) });
		if (!answer.ok) throw new Error(`The page was answered ${answer.status}`);
		await answer.body?.cancel();
	}
}
