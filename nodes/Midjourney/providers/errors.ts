import type { Failure as N8nFailure } from 'n8n-workflow';

import type { Failure, FailureReason, Suspect } from './http';
import type { Task } from './task';

/** What a person is told: `what` happened, and what to do about it. */
export interface Wording {
	/** Without a full stop; goes before item and task. */
	what: string;
	/** Full sentences. */
	remedy: string;
	/** n8n's own vocabulary for why (n8n 2.38 and newer show it; older ones ignore it). */
	cause?: N8nFailure['cause'];
}

/**
 * What was asked for: a submit that was refused, a look at the task with this id, or a question that costs nothing. It
 * decides what may be advised: who cannot read a paid task is never told to run anything again (architecture.md: No
 * message costs money).
 */
export type Situation = { of: 'submit' } | { of: 'task'; taskId: string } | { of: 'question' };

interface Reason {
	what: string;
	/** What to look at, true in every situation. */
	check: string;
	/** Said in place of `check` of a look at a task. */
	checkOfTask?: string;
	/** It ends without anything of the workflow being changed. */
	ends?: boolean;
	cause?: N8nFailure['cause'];
}

/** One wording for each reason (architecture.md: Failures are values). */
const REASONS: Record<FailureReason, (provider: string) => Reason> = {
	invalidKey: (provider) => ({
		what: `${provider} did not accept the API key`,
		check: `Open the ${provider} credential, paste a current key and use its Test button. Check that Base URL and key belong together: a key of midapi.ai does not work at kie.ai, say.`,
		cause: 'credential-invalid',
	}),
	notAllowed: (provider) => ({
		what: `${provider} does not allow this to the account`,
		check: `Look at the balance and at what the API key may do, in the account at ${provider}.`,
		ends: true,
		cause: 'configuration-invalid',
	}),
	noCredits: (provider) => ({
		what: `The ${provider} account has too little credit`,
		check: `Top up the account at ${provider}.`,
		ends: true,
		cause: 'quota-exhausted',
	}),
	invalidRequest: (provider) => ({
		what: `${provider} refused the request`,
		check: 'Change the field that its words name.',
		cause: 'configuration-invalid',
	}),
	notFound: (provider) => ({
		what: `${provider} does not know the task or address`,
		check:
			'Check the task ID and that it was made with this provider and API key; tasks are forgotten some time after their files expire. If every call ends like this, check Base URL in the credential.',
		cause: 'configuration-invalid',
	}),
	rateLimited: (provider) => ({
		what: `${provider} receives too many requests from this account`,
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
		check: `The trouble is on the side of ${provider}.`,
		ends: true,
		cause: 'temporarily-unavailable',
	}),
	generationFailed: (provider) => ({
		what: `${provider} could not generate this`,
		check: 'Midjourney refuses some prompts and images; others fail by chance.',
		checkOfTask: 'It may have failed for good, but this answer is no state of the task.',
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
		what: 'The source does not fit',
		check:
			'Take Task ID, Job ID and Index from one finished task, for example by connecting its node. A Job ID alone, with Task ID emptied, is sent without a look.',
		cause: 'configuration-invalid',
	}),
	unknownSize: () => ({
		what: 'The size of the image could not be read',
		check: 'Enter Image Width and Image Height under Additional Fields.',
		cause: 'configuration-invalid',
	}),
	unusableImage: () => ({
		what: 'A picture of the item cannot be used',
		check:
			'Input Data Field Name must name a field with a PNG, JPEG, WebP or GIF picture in the items that come in.',
		cause: 'configuration-invalid',
	}),
	undeliverableImage: (provider) => ({
		what: `There is no way to get the picture of the item to ${provider}`,
		check:
			'Either this n8n serves it: that takes an address that can be reached from the internet (WEBHOOK_URL) and binary data outside of memory (N8N_DEFAULT_BINARY_DATA_MODE). Or the provider takes uploads: with MidAPI, File Upload Base URL in the credential says where. Or put the picture on the web and set Image Source to URL.',
		cause: 'configuration-invalid',
	}),
	unfitCanvas: () => ({
		what: 'Canvas, mask and image do not go together',
		check:
			'Change the canvas or the mask; Image Width and Image Height under Additional Fields say how large the image is to lie on the canvas.',
		cause: 'configuration-invalid',
	}),
	unreachable: (provider) => ({
		what: `${provider} cannot be reached`,
		check:
			'Check Base URL in the credential and that this n8n may connect to it (DNS, proxy, certificate). Nothing was sent.',
		checkOfTask:
			'Check Base URL in the credential and that this n8n may connect to it (DNS, proxy, certificate).',
		ends: true,
		cause: 'temporarily-unavailable',
	}),
	connectionLost: (provider) => ({
		what: `The connection to ${provider} broke off`,
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
		what: `The answer is not one of ${provider}`,
		check:
			'It does not have the documented form. Check Base URL in the credential (the API host, not the web site), and the proxies and firewalls in between.',
	}),
	unexplained: (provider) => ({
		what: `${provider} answered with a complaint`,
		check: 'Its documentation does not know this complaint; its words are all there is.',
	}),
	redirected: (provider) => ({
		what: `The Base URL of ${provider} points elsewhere`,
		check:
			'The server answers with a redirect, which is not followed, so that the API key goes nowhere else. Enter the final https address as Base URL in the credential.',
		cause: 'configuration-invalid',
	}),
};

/** Whether there is a wording for it: what was saved may be of another version. */
export const isReason = (value: unknown): value is FailureReason =>
	typeof value === 'string' && Object.keys(REASONS).includes(value);

const SUSPECTS: Record<Suspect, (provider: string) => string> = {
	requestFormat: (provider) =>
		`What it says is missing was sent. If every submit ends like this, choose the other Request Format in the ${provider} credential.`,
	upscaleContract: () =>
		'If the task ID is right, choose the other Upscale Contract: the provider documents two addresses for an upscale.',
};

/** How to put a failure: what happened, with the provider's own code and words, and what to do. */
export function wordingOf(
	failure: Failure,
	provider: string,
	situation: Situation = { of: 'question' },
): Wording {
	const { cause } = REASONS[failure.reason](provider);
	return {
		what: whatOf(failure, provider),
		remedy: [
			situation.of === 'task' ? paid(failure, situation.taskId) : undefined,
			...circumstances(failure, provider, situation),
			ending(failure, provider, situation),
		]
			.filter(Boolean)
			.join(' '),
		cause,
	};
}

/** What happened, with the provider's own code and words. */
function whatOf({ reason, code, message: words }: Failure, provider: string): string {
	const { what } = REASONS[reason](provider);
	const own = [code, words && `“${words}”`].filter(Boolean).join(' ');
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

/** Whoever knows the id has a task that is paid, unless there never was one. */
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
			return 'Task → Wait with this ID brings its result as soon as it can be read.';
		case 'question':
			return ends ? 'Then ask again.' : undefined;
	}
}

/** Words with which providers say that somebody looked at the content and did not want it. */
const MODERATION =
	/moderat|reject|banned|sensitive|nsfw|policy|policies|violat|inappropriate|prohibited|audit|flagged|unsafe/i;
/** Codes and states that speak of the provider, not of what was asked for. */
const OWN_TROUBLE = /^(5(?!01)\d\d|429|455)$|\d{4}099$/;
const OUT_OF_TIME = /time(d[ _]?)?[ _]?out|expired|unavailable|overload/i;

/** How to put it that a task has failed: by what its code and words say of the reason. */
export function wordingOfFailed({ error, providerStatus }: Task, provider: string): Wording {
	const { code, message, meaning } = error ?? {};
	const words = [message, providerStatus].filter(Boolean).join(' ');
	const own = MODERATION.test(words)
		? "Midjourney's moderation did not let it pass: change the prompt or the images before another submit."
		: OWN_TROUBLE.test(code ?? '') || OUT_OF_TIME.test(words)
			? `The trouble was on the side of ${provider}, not in the prompt.`
			: 'If the same fails again, change the prompt or the images.';
	const failure: Failure = {
		reason: 'generationFailed',
		code,
		message: message,
		accepted: 'unknown',
		transient: false,
	};
	return {
		what: whatOf(failure, provider),
		remedy: [
			meaning && `This code means: ${meaning}.`,
			own,
			'This task is over; another submit is a new task with a price of its own.',
		]
			.filter(Boolean)
			.join(' '),
	};
}

/** Said when a submit may have been taken although no task id came back. */
export const AMBIGUOUS_SUBMIT = (provider: string): string =>
	`The task may exist and may have been paid, so it was not sent again, and nothing sends it again by itself. Look in the task list of ${provider}: if the task is there, take its ID to Task → Wait. If it is certainly not there, enter this item in the option Buy Again What May Be Paid.`;

/** The same, with what is known of the reason. */
export const wordingOfAmbiguous = (failure: Failure, provider: string): Wording => ({
	what: whatOf(failure, provider),
	remedy: [AMBIGUOUS_SUBMIT(provider), ...circumstances(failure, provider, { of: 'submit' })]
		.filter(Boolean)
		.join(' '),
});
