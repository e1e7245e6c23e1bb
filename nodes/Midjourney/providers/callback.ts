import { createHmac, timingSafeEqual } from 'crypto';

import { isRecord, text, unwrapJson } from './json';

/** What is read from a provider's call, of which nothing else is trusted (architecture.md: A callback is only a hint). */

/** How far the timestamp of a signature may be in the past or future, in s (wire.md: MidAPI signatures). */
const TOLERANCE_S = 300;

/** The fields in which providers send the id of a task, best first (wire.md: MidAPI signatures, Vtrix callbacks). */
const ID_FIELDS = ['taskId', 'task_id', 'id', 'jobId', 'job_id', 'request_id'];

/** The maximum number of tasks that one call makes the node read. */
const MOST_IDS = 3;

/** The possible task ids in a callback of any form, best first; empty if there are none. Never throws. */
export function taskIdsIn(given: unknown): string[] {
	const body = unwrapJson(given);
	const places = isRecord(body) ? [body.data, body].filter(isRecord) : [];
	const ids = places
		.flatMap((place) => ID_FIELDS.map((field) => text(place[field])))
		.flatMap((id) => (id !== undefined && id.length <= 200 ? [id] : []));
	return [...new Set(ids)].slice(0, MOST_IDS);
}

/**
 * Whether a callback is signed with one of the secrets (wire.md: MidAPI signatures): base64 of HMAC-SHA256 over
 * `taskId.timestamp`. Only the first id and the time are signed, not the body.
 *
 * @param nowMs Unix time in ms
 */
export function isSigned(
	headers: Record<string, unknown>,
	body: unknown,
	secrets: readonly string[],
	nowMs: number,
): boolean {
	const timestamp = text(headers['x-webhook-timestamp']);
	const signature = text(headers['x-webhook-signature']);
	const [taskId] = taskIdsIn(body);
	if (timestamp === undefined || signature === undefined || taskId === undefined) return false;
	if (!(Math.abs(nowMs / 1000 - Number(timestamp)) <= TOLERANCE_S)) return false;
	const message = `${taskId}.${timestamp}`;
	return secrets.some((secret) => equalInConstantTime(signature, sign(message, secret)));
}

/**
 * The key for the callback addresses of one account in one n8n. Neither the provider, which knows the API key, nor anyone who
 * has seen the instance id can derive it.
 */
export const callbackKey = (apiKey: string, instanceId: string): string =>
	sign(`n8n-nodes-midjourney callback ${instanceId}`, apiKey);

/** HMAC-SHA256 in base64. */
export const sign = (message: string, secret: string): string =>
	createHmac('sha256', secret).update(message).digest('base64');

/** Whether two texts are equal, in the same time for all texts of the same length. */
export function equalInConstantTime(one: string, other: string): boolean {
	const [a, b] = [Buffer.from(one), Buffer.from(other)];
	return a.length === b.length && timingSafeEqual(a, b);
}
