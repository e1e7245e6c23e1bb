import {
	executionAudience,
	newSubmitNonce,
	OUTLASTS_MS,
	signedAddress,
	triggerAudience,
} from '../callbacks/address';
import { inputError } from '../nodeErrors';
import type { SubmitRequest, Settings } from '../settings';
import { unreachableBecause } from '../reach';
import type { How } from './how';
import type { RunContext } from './runContext';
import { resumeTokenOf, resumeUrlOf } from './selfCall';
import type { WaitState } from './state';

/** Where the provider is to call. */
export interface CallbackAddresses {
	/** For the task at this position, another address each time; undefined: no call can arrive. */
	of(position: number): string | undefined;
	/** Whether the calls reach this very wait, straight or through a Trigger; else they tell a Trigger alone. */
	reachWait: boolean;
}

export function callbackAddresses(run: RunContext, state: WaitState, how: How): CallbackAddresses {
	const { context, http, clock } = run;
	const { tasks, nonce, executionId } = state;
	const mayArrive = (url: string | undefined): url is string =>
		url !== undefined && unreachableBecause(url, http.baseUrl) === undefined;
	const resumeUrl = resumeUrlOf(context);
	const settings = tasks.flatMap((task) => task.settings ?? []);
	const reachWait =
		how.parks &&
		settings.length > 0 &&
		settings.every(
			({ waitMode, triggerUrl }) => waitMode !== 'dontWait' && mayArrive(triggerUrl ?? resumeUrl),
		);
	return {
		reachWait,
		of(position) {
			const { reference, triggerUrl, timeLimitMs = 0 } = tasks[position]?.settings ?? {};
			const url = triggerUrl ?? (reachWait ? resumeUrl : undefined);
			if (!mayArrive(url)) return undefined;
			const [audience, toHandOn] =
				triggerUrl === undefined
					? [executionAudience(executionId), {}]
					: [triggerAudience(url), { executionId, resumeToken: resumeTokenOf(resumeUrl) }];
			const claims = {
				submit: newSubmitNonce(),
				expiresAt: clock.now() + timeLimitMs + OUTLASTS_MS,
				reference,
				wait: reachWait ? { nonce, position, ...toHandOn } : undefined,
			};
			return signedAddress(url, claims, audience, http.callbackKey);
		},
	};
}

/** Whoever has asked for calls alone is told before anything is bought that none can arrive. */
export function refuseDeafCallback(
	{ context, http, host }: RunContext,
	submits: readonly SubmitRequest[],
	how: How,
): void {
	for (const { itemIndex, settings } of submits) {
		const url = addressAsked(settings, how, resumeUrlOf(context));
		const reason = url === undefined ? undefined : unreachableBecause(url, http.baseUrl);
		if (reason === undefined) continue;
		throw inputError(
			host.node,
			itemIndex,
			`Callbacks cannot arrive: ${reason}`,
			'Nothing was submitted. Set WEBHOOK_URL of n8n to its public address, enter the URL of a Midjourney Trigger in Options, or choose the Wait Mode Auto.',
		);
	}
}

/** Where calls must arrive, because nothing else tells of the end; undefined: nowhere. */
function addressAsked(
	{ waitMode, triggerUrl }: Settings,
	{ parks }: How,
	resumeUrl: string,
): string | undefined {
	if (waitMode === 'dontWait') return triggerUrl;
	return waitMode === 'callback' && parks ? (triggerUrl ?? resumeUrl) : undefined;
}
