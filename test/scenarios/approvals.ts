/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- drives a real n8n, it is not a node */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import type { Emulator } from '../emulator';
import { formDataOf } from '../n8n/forms';
import { type JsonObject, object } from '../n8n/json';
import type { Mailbox } from '../n8n/mailbox';

/** A node behind a Midjourney node that waits for somebody's approval. */
export interface Approval {
	title: string;
	/** It can wait only in an execution that a form has started. */
	followsForm?: true;
	/** How many tasks it buys before it waits. */
	buys?: number;
	/** Type, version and parameters of the node that waits, and what else it has. */
	node(given: Given): JsonObject;
	/** Approves as a person would. */
	give(held: Held): Promise<unknown>;
}

/** What the approval node may use. */
interface Given {
	/** The Midjourney node before it. */
	midjourney: JsonObject;
	smtp?: { id: string; name: string };
}

/** An execution that waits for the approval. */
export interface Held {
	executionId: string;
	/** What n8n calls `$execution.resumeUrl` and `$execution.resumeFormUrl`. */
	resumeUrl: string;
	formUrl: string;
	emulator: Emulator;
	mailbox?: Mailbox;
}

const SECOND_PROMPT = 'the picture that was chosen, larger';

const waits = (parameters: JsonObject): JsonObject => ({
	type: 'n8n-nodes-base.wait',
	typeVersion: 1.1,
	parameters: { options: {}, ...parameters },
	webhookId: randomUUID(),
});

const onCall = (httpMethod: 'GET' | 'POST', webhookSuffix?: string): Approval => ({
	title: `Wait, On Webhook Call, ${httpMethod}${webhookSuffix ? `, suffix "${webhookSuffix}"` : ''}`,
	node: () =>
		waits({ resume: 'webhook', httpMethod, options: webhookSuffix ? { webhookSuffix } : {} }),
	give: async ({ resumeUrl }) => {
		const url = new URL(resumeUrl);
		if (webhookSuffix) url.pathname += `/${webhookSuffix}`;
		await call(url.href, { method: httpMethod });
	},
});

const FIELDS = { values: [{ fieldLabel: 'Verdict', fieldType: 'text' }] };

const byMail = (responseType: 'approval' | 'freeText', answer: RequestInit): Approval => ({
	title: `Send Email, Send and Wait for Response, ${responseType}`,
	node: ({ smtp }) => ({
		type: 'n8n-nodes-base.emailSend',
		typeVersion: 2.1,
		parameters: {
			...{ resource: 'email', operation: 'sendAndWait', responseType, options: {} },
			...{ fromEmail: 'shop@example.com', toEmail: '={{ $execution.id }}@example.com' },
			...{ subject: 'Which picture?', message: 'Please choose' },
		},
		webhookId: randomUUID(),
		...(smtp && { credentials: { smtp } }),
	}),
	give: async ({ executionId, mailbox }) => {
		const [letter = ''] = mailbox?.mailsTo(`${executionId}@example.com`) ?? [];
		const [, link = ''] = /href="([^"]*webhook-waiting[^"]*)"/.exec(letter) ?? [];
		await call(link, answer);
	},
});

/** An approval by a plain call. */
export const CALL_AWAITED = onCall('GET');

/** All nodes of n8n that wait for a call, and a second node of this package. */
export const APPROVALS: readonly Approval[] = [
	CALL_AWAITED,
	onCall('POST'),
	onCall('POST', 'midjourney'),
	{
		title: 'Wait, On Form Submitted',
		node: () => waits({ resume: 'form', formTitle: 'Which picture?', formFields: FIELDS }),
		give: submitForm,
	},
	// n8n takes a client that is no browser for a mail scanner.
	byMail('approval', {
		headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' },
	}),
	byMail('freeText', { method: 'POST', body: formDataOf() }),
	{
		title: 'a second Midjourney node',
		buys: 1,
		node: ({ midjourney }) => {
			const parameters = object(midjourney.parameters, 'parameters');
			const waitOptions = { ...object(parameters.waitOptions, 'waitOptions'), timeLimit: 60 };
			return {
				...midjourney,
				parameters: { ...parameters, prompt: SECOND_PROMPT, waitOptions },
				executeOnce: true,
			};
		},
		give: async ({ emulator }) => {
			const submit = emulator.ledger.submits.find(({ body }) => body.prompt === SECOND_PROMPT);
			const taskId = submit?.taskId ?? '';
			emulator.finish(taskId);
			const answers = await emulator.deliverCallback(taskId);
			if (answers[0] !== 200) throw new Error(`The second was answered ${answers.join(', ')}`);
		},
	},
	{
		title: 'the next page of a form',
		followsForm: true,
		node: () => ({
			type: 'n8n-nodes-base.form',
			typeVersion: 1,
			parameters: { formFields: FIELDS, options: {} },
			webhookId: randomUUID(),
		}),
		give: submitForm,
	},
];

async function submitForm({ formUrl }: Held): Promise<void> {
	await call(formUrl, {});
	await call(formUrl, { method: 'POST', body: formDataOf() });
}

/** How often a person sends a page again that n8n failed to accept. */
const TRIES = 3;

/**
 * As a person does it: what n8n fails to take (it was seen after a kill, in 2.8) is sent once more. If it was taken all the
 * same, what is behind runs twice, or the second is refused.
 */
async function call(url: string, init: RequestInit, left = TRIES): Promise<void> {
	const answer = await fetch(url, init);
	if (answer.ok) return;
	const said = `The approval was answered ${answer.status}: ${await answer.text()}`;
	if (answer.status < 500 || left === 1) throw new Error(said);
	process.stderr.write(`    ${said}\n`);
	await pause(1000);
	await call(url, init, left - 1);
}
