import {
	executionAudience,
	newSubmitNonce,
	OUTLASTS_MS,
	signedAddress,
	triggerAudience,
} from '../callbacks/address';
import { inputError } from '../n8n/nodeErrors';
import type { SubmitRequest, Settings } from '../settings';
import { unreachableBecause } from '../submit/reach';
import type { How } from './how';
import type { RunContext } from './runContext';
import { resumeTokenOf, resumeUrlOf } from './selfCall';
import type { WaitState } from './state';

/** The callback addresses of one run. */
interface CallbackAddresses {
	/** A new callback address for the task at this position; undefined where no callback can arrive. */
	of(position: number): string | undefined;
	/** Whether callbacks reach this very wait, directly or through a Trigger. If not, they reach a Trigger only. */
	reachWait: boolean;
}

/** The callback addresses for the tasks of a run. An address that the provider cannot reach is left out. */
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

/**
 * Refuses a wait that only a callback could end when no callback can arrive, before anything is bought.
 *
 * @throws NodeOperationError that names the item
 */
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
			"Nothing was submitted. Set n8n's WEBHOOK_URL to its public address, enter the URL of a Midjourney Trigger in Options, or choose Wait Mode Auto.",
		);
	}
}

/** The address at which a callback must arrive because nothing else reports the end; undefined where none is needed. */
function addressAsked(
	{ waitMode, triggerUrl }: Settings,
	{ parks }: How,
	resumeUrl: string,
): string | undefined {
	if (waitMode === 'dontWait') return triggerUrl;
	return waitMode === 'callback' && parks ? (triggerUrl ?? resumeUrl) : undefined;
}
