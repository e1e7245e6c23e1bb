import type { Failure as N8nFailure } from 'n8n-workflow';

import type { Failure, FailureReason, Suspect } from './http';
import type { Task } from './task';

/** The text of an error: `what` happened, and what to do about it. */
export interface Wording {
	/** Without a full stop; item and task follow it. */
	what: string;
	/** Full sentences. */
	remedy: string;
	/** The reason in n8n's own vocabulary (n8n 2.38 and newer show it; older versions ignore it). */
	cause?: N8nFailure['cause'];
}

/**
 * The request that failed: a refused submit, a read of the task with this id, or a free question. It decides what may be
 * advised: if a paid task cannot be read, the message never says to run anything again (architecture.md: No message costs
 * money).
 */
export type Situation = { of: 'submit' } | { of: 'task'; taskId: string } | { of: 'question' };

interface Reason {
	what: string;
	/** What to check, true in every situation. */
	check: string;
	/** Replaces `check` when a task is read. */
	checkOfTask?: string;
	/** Whether it can pass without a change to the workflow. */
	ends?: boolean;
	cause?: N8nFailure['cause'];
}

/** One wording for each reason (architecture.md: Failures are values). */
const REASONS: Record<FailureReason, (provider: string) => Reason> = {
	invalidKey: (provider) => ({
		what: `${provider} did not accept the API key`,
		check: `Open the ${provider} credential, paste a current key and save it: n8n tests it. A key works only with the service that issued it: one from midapi.ai is unknown to kie.ai.`,
		cause: 'credential-invalid',
	}),
	notAllowed: (provider) => ({
		what: `${provider} does not allow this for the account`,
		check: `Check the balance and the permissions of the API key in the account at ${provider}.`,
		ends: true,
		cause: 'configuration-invalid',
	}),
	noCredits: (provider) => ({
		what: `The ${provider} account does not have enough credits`,
		check: `Top up the account at ${provider}.`,
		ends: true,
		cause: 'quota-exhausted',
	}),
	invalidRequest: (provider) => ({
		what: `${provider} refused the request`,
		check: 'Change the field that the message names.',
		cause: 'configuration-invalid',
	}),
	notFound: (provider) => ({
		what: `${provider} does not know the task or address`,
		check:
			'Check the task ID, and that the task was created with this provider and API key. Providers delete tasks some time after their files expire. If every call ends like this, check Base URL in the credential.',
		cause: 'configuration-invalid',
	}),
	rateLimited: (provider) => ({
		what: `${provider} is receiving too many requests from this account`,
		check: 'Send fewer items at once, or at another time.',
		ends: true,
		cause: 'rate-limited',
	}),
	maintenance: (provider) => ({
		what: `${provider} is down for maintenance`,
		check: 'Wait until it is over.',
		ends: true,
		cause: 'temporarily-unavailable',
	}),
	serverError: (provider) => ({
		what: `${provider} could not answer`,
		check: `The cause is on the side of ${provider}.`,
		ends: true,
		cause: 'temporarily-unavailable',
	}),
	generationFailed: (provider) => ({
		what: `${provider} could not generate this`,
		check: 'Midjourney refuses some prompts and images; other tasks fail at random.',
		checkOfTask: 'The task may have failed for good, but this answer does not confirm it.',
	}),
	featureDisabled: (provider) => ({
		what: `${provider} has switched this feature off`,
		check: 'Choose another version, mode or operation, or ask their support.',
		checkOfTask: 'Ask their support.',
		cause: 'configuration-invalid',
	}),
	notOffered: (provider) => ({
		what: `${provider} has no such operation`,
		check: 'Choose another operation, or another Provider.',
		cause: 'configuration-invalid',
	}),
	invalidSource: () => ({
		what: 'The source cannot be used',
		check:
			'Take Task ID, Job ID and Index from one finished task, for example by connecting its node. A Job ID without a Task ID is sent unchecked.',
		cause: 'configuration-invalid',
	}),
	unknownSize: () => ({
		what: 'The size of the image could not be read',
		check: 'Enter Image Width and Image Height under Additional Fields.',
		cause: 'configuration-invalid',
	}),
	unusableImage: () => ({
		what: 'An image of the input item cannot be used',
		check:
			'Input Data Field Name must name a binary field that contains a PNG, JPEG, WebP or GIF image.',
		cause: 'configuration-invalid',
	}),
	undeliverableImage: (provider) => ({
		what: `The image of the input item cannot get to ${provider}`,
		check:
			'There are three ways. This n8n serves it: n8n needs an address that the internet can reach (WEBHOOK_URL), and must not keep binary data in memory (N8N_DEFAULT_BINARY_DATA_MODE). Or the node uploads it: with MidAPI, enter File Upload Base URL in the credential. Or put the image on the web and set Image Source to URL.',
		cause: 'configuration-invalid',
	}),
	unfitCanvas: () => ({
		what: 'Canvas, mask and image do not go together',
		check:
			'Change the canvas or the mask. Image Width and Image Height under Additional Fields set the size of the image on the canvas.',
		cause: 'configuration-invalid',
	}),
	unreachable: (provider) => ({
		what: `${provider} cannot be reached`,
		check:
			'Check Base URL in the credential, and that this n8n can connect to it (DNS, proxy, certificate). Nothing was sent.',
		checkOfTask:
			'Check Base URL in the credential, and that this n8n can connect to it (DNS, proxy, certificate).',
		ends: true,
		cause: 'temporarily-unavailable',
	}),
	connectionLost: (provider) => ({
		what: `The connection to ${provider} was lost`,
		check: `Check the network between this n8n and ${provider}.`,
		ends: true,
		cause: 'temporarily-unavailable',
	}),
	timedOut: (provider) => ({
		what: `${provider} did not answer in time`,
		check: `Check the network between this n8n and ${provider}.`,
		ends: true,
		cause: 'temporarily-unavailable',
	}),
	unreadable: (provider) => ({
		what: `The answer did not come from ${provider}`,
		check:
			'It does not have the documented form. Check Base URL in the credential (the API host, not the website), and any proxies and firewalls in between.',
	}),
	unexplained: (provider) => ({
		what: `${provider} gave an undocumented answer`,
		check: 'The documentation does not explain this answer; its text is all there is to go by.',
	}),
	redirected: (provider) => ({
		what: `The Base URL of ${provider} redirects elsewhere`,
		check:
			'The node does not follow redirects, so that the API key goes nowhere else. Enter the final https address as Base URL in the credential.',
		cause: 'configuration-invalid',
	}),
};

/** Whether there is a wording for a reason: a saved one may come from another version. */
export const isReason = (value: unknown): value is FailureReason =>
	typeof value === 'string' && Object.keys(REASONS).includes(value);

const SUSPECTS: Record<Suspect, (provider: string) => string> = {
	requestFormat: (provider) =>
		`The parameter that it reports as missing was sent. If Request Format in the ${provider} credential is not Auto, choose Auto; with Auto, both formats were refused.`,
	upscaleContract: () =>
		'The provider documents two paths for an upscale. If the task ID is right, choose Auto as Upscale Contract; if it is Auto already, Quickstart.',
	varyIndexBase: () =>
		'The provider counts the images from another number: choose Auto as Vary Index Base.',
	balancePath: () =>
		'Neither of the two documented paths of the balance exists: check Base URL in the credential.',
};

/** The wording of a failure: what happened, with the provider's own code and message, and what to do. */
export function wordingOf(
	failure: Failure,
	provider: string,
	situation: Situation = { of: 'question' },
): Wording {
	const { cause } = REASONS[failure.reason](provider);
	return {
		what: whatOf(failure, provider),
		remedy: together(
			situation.of === 'task' ? paid(failure, situation.taskId) : undefined,
			...circumstances(failure, provider, situation),
			ending(failure, provider, situation),
		),
		cause,
	};
}

const together = (...sentences: Array<string | undefined>): string =>
	sentences.filter(Boolean).join(' ');

/** What happened, with the provider's own code and message. */
function whatOf(
	{ reason, code, message: words }: Pick<Failure, 'reason' | 'code' | 'message'>,
	provider: string,
): string {
	const { what } = REASONS[reason](provider);
	const own = together(code, words && `“${words}”`);
	return own ? `${what} (${own})` : what;
}

function circumstances(
	{ reason, meaning, attempts = 1, suspect }: Failure,
	provider: string,
	{ of }: Situation,
): Array<string | undefined> {
	const { check, checkOfTask } = REASONS[reason](provider);
	return [
		meaning && `This code means: ${meaning}.`,
		attempts > 1 ? `It was tried ${attempts} times.` : undefined,
		suspect && SUSPECTS[suspect](provider),
		of === 'task' ? (checkOfTask ?? check) : check,
	];
}

/** A task with an id is paid, unless it never existed. */
const paid = ({ reason }: Failure, taskId: string): string =>
	reason === 'notFound'
		? `If the ID is right, task ${taskId} is paid: do not submit it again.`
		: `Task ${taskId} is paid, whatever this answer says: do not submit it again.`;

function ending({ reason }: Failure, provider: string, { of }: Situation): string | undefined {
	const { ends } = REASONS[reason](provider);
	switch (of) {
		case 'submit':
			return ends
				? 'Nothing was bought for this item: run the workflow again for it afterwards.'
				: 'Nothing was bought for this item.';
		case 'task':
			return 'Task → Wait with this ID gets the result as soon as it can be read.';
		case 'question':
			return ends ? 'Then try again.' : undefined;
	}
}

/** Words with which providers report that moderation rejected the content. */
const MODERATION =
	/moderat|reject|banned|sensitive|nsfw|policy|policies|violat|inappropriate|prohibited|audit|flagged|unsafe/i;
/** Codes and states that point to the provider, not to the request. */
const OWN_TROUBLE = /^(5(?!01)\d\d|429|455)$|\d{4}099$/;
const OUT_OF_TIME = /time(d[ _]?)?[ _]?out|expired|unavailable|overload/i;

/** The wording of a failed task, by the reason that its code and message suggest. */
export function wordingOfFailed({ error, providerStatus }: Task, provider: string): Wording {
	const { code, message, meaning } = error ?? {};
	const words = together(message, providerStatus);
	const own = MODERATION.test(words)
		? "Midjourney's moderation rejected it: change the prompt or the images before you submit again."
		: OWN_TROUBLE.test(code ?? '') || OUT_OF_TIME.test(words)
			? `The cause was on the side of ${provider}, not in the prompt.`
			: 'If it fails again, change the prompt or the images.';
	return {
		what: whatOf({ reason: 'generationFailed', code, message }, provider),
		remedy: together(
			meaning && `This code means: ${meaning}.`,
			own,
			'This task has ended. Submitting again creates a new task that is paid separately.',
		),
	};
}

/** The advice if a submit may have been accepted although no task id came back. */
export const AMBIGUOUS_SUBMIT = (provider: string): string =>
	`The task may exist and may have been paid, so it was not submitted again and will not be on its own. Look in the task list of ${provider}: if the task is there, give its ID to Task → Wait. If it is certainly not there, enter the number of this item in the option Items to Buy Again.`;

/** The wording of such a submit, with what is known about the reason. */
export const wordingOfAmbiguous = (failure: Failure, provider: string): Wording => ({
	what: whatOf(failure, provider),
	remedy: together(
		AMBIGUOUS_SUBMIT(provider),
		...circumstances(failure, provider, { of: 'submit' }),
	),
});
