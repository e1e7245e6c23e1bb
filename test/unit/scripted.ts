import type { Result, Call, Http, Reply } from '../../nodes/Midjourney/providers/http';

/** A reply as it comes over the wire. */
export const reply = (body: unknown, status = 200): Reply => ({ status, body });

/** Gives the replies in turn, the last one for ever, and keeps the calls. */
export function scripted(...replies: Reply[]): Http & { calls: Call[] } {
	const calls: Call[] = [];
	return {
		baseUrl: 'https://api.example.com',
		account: 'account',
		callbackKey: 'key',
		webhookSecrets: [],
		calls,
		async send(call): Promise<Result<Reply>> {
			calls.push(call);
			const next = replies[Math.min(calls.length, replies.length) - 1];
			if (!next) throw new Error('Nothing scripted');
			return { ok: true, value: next };
		},
	};
}
