import type { N8nServer } from './server';
import { until } from './until';

/** What a browser sends for a form with these fields; a file is an upload. */
export function formDataOf(fields: Array<string | File> = ['the second one']): FormData {
	const form = new FormData();
	fields.forEach((value, position) => form.append(`field-${position}`, value));
	return form;
}

/** Opens the form of a published workflow, fills in its fields in order and sends them; gives n8n's answer. */
export async function sendForm(
	n8n: N8nServer,
	webhookId: string,
	fields: Array<string | File>,
): Promise<Response> {
	const url = `${n8n.webhookUrl}/form/${webhookId}`;
	await until(
		'the form is there',
		// n8n may close a connection that was kept open just when it is used again.
		async () => (await fetch(url).catch(() => undefined))?.status,
		(status) => status === 200,
	);
	// n8n accepts the form only a moment after it shows it.
	const answer = await until(
		'the form is taken',
		async () => await fetch(url, { method: 'POST', body: formDataOf(fields) }),
		({ status }) => status !== 404,
	);
	if (!answer.ok) throw new Error(`The form was answered ${answer.status}`);
	return answer;
}

/** A visit to a form of n8n as a browser makes it. */
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

	/** Waits for the next page as the browser does, and gives its HTML. */
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

	/** Sends the page; without fields, what the last page sends by itself. */
	async send(fields: string[] = []): Promise<void> {
		const answer = await fetch(this.waitingUrl, { method: 'POST', body: formDataOf(fields) });
		if (!answer.ok) throw new Error(`The page was answered ${answer.status}`);
		await answer.body?.cancel();
	}
}
