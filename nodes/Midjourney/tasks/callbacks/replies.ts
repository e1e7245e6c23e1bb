import type { IWebhookFunctions } from 'n8n-workflow';

/** What callers are told: the same about every task, known or unknown, so that they learn nothing. */
export const REPLIES = {
	200: { ok: true },
	202: { ok: true },
	401: { ok: false, message: 'The call is not authenticated' },
	404: { ok: false, message: 'Nothing here waits for this call' },
	503: { ok: false, message: 'Call again' },
};

/** Answers a call at once, unless it was answered already. */
export function reply(context: IWebhookFunctions, status: keyof typeof REPLIES): void {
	const response = context.getResponseObject();
	if (!response.headersSent) response.status(status).json(REPLIES[status]);
}
