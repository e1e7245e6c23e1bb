import { callbackUrl, relayKey } from '../callbackUrl';
import { inputError } from '../nodeErrors';
import type { Order } from '../order';
import { unreachableBecause } from '../reach';
import type { How } from './how';
import type { Place } from './place';
import { resumeUrlOf } from './selfCall';
import type { WaitState } from './state';
import type { SubmitDeps } from './submitBatch';

/** Where the provider is to call; undefined when it is not to, or cannot. */
export function callbackOf(
	{ context, http }: Place,
	state: WaitState,
	how: How,
): SubmitDeps['callbackUrl'] {
	const { tasks, nonce } = state;
	const settings = tasks.find((task) => task.settings)?.settings;
	if (!how.parks || !settings || settings.waitMode === 'dontWait') return undefined;
	const resumeUrl = resumeUrlOf(context);
	const mayArrive = tasks.every(
		(task) =>
			unreachableBecause(task.settings?.triggerUrl ?? resumeUrl, http.baseUrl) === undefined,
	);
	if (!mayArrive) return undefined;
	return (position) => {
		const { reference, triggerUrl } = tasks[position]?.settings ?? {};
		const relay =
			triggerUrl === undefined ? undefined : { url: triggerUrl, key: relayKey(http.apiKey) };
		return callbackUrl({ resumeUrl, nonce, position, reference, relay });
	};
}

/** Callback means: no polling. Where no call can arrive, that is told before anything is bought. */
export function refuseDeafCallback(
	{ context, http, host }: Place,
	orders: readonly Order[],
	how: How,
): void {
	for (const { itemIndex, settings } of orders) {
		if (settings.waitMode !== 'callback' || !how.parks) return;
		const reason = unreachableBecause(settings.triggerUrl ?? resumeUrlOf(context), http.baseUrl);
		if (reason === undefined) continue;
		throw inputError(
			host.node,
			itemIndex,
			`Callbacks cannot arrive: ${reason}`,
			'Nothing was submitted. Set WEBHOOK_URL of n8n to its public address, enter the URL of a Midjourney Trigger in Options, or choose the Wait Mode Auto.',
		);
	}
}
