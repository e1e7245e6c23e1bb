import type { Failure as N8nFailure } from 'n8n-workflow';

import type { Failure, FailureReason } from './http';

/** What a person is told: `what` happened, and what to do about it. */
export interface Wording {
	/** Without a full stop; goes before item and task. */
	what: string;
	/** Full sentences. */
	remedy: string;
	/** n8n's own vocabulary for why (n8n 2.38 and newer show it; older ones ignore it). */
	cause?: N8nFailure['cause'];
}

/** One wording for each reason (design 7). Nothing here tells anyone to repeat what may have been paid. */
const WORDING: Record<FailureReason, (provider: string) => Wording> = {
	invalidKey: (provider) => ({
		what: `${provider} did not accept the API key`,
		remedy: `Open the ${provider} credential, paste a current key and use its Test button. Check that Base URL and key belong together: a key of midapi.ai does not work at kie.ai, say.`,
		cause: 'credential-invalid',
	}),
	notAllowed: (provider) => ({
		what: `${provider} does not allow this to the account`,
		remedy:
			'Look at the balance and at what the API key may do, in the account; then run the workflow again.',
		cause: 'configuration-invalid',
	}),
	noCredits: (provider) => ({
		what: `The ${provider} account has too little credit`,
		remedy: 'Top up the account, then run the workflow again.',
		cause: 'quota-exhausted',
	}),
	invalidRequest: (provider) => ({
		what: `${provider} refused the request`,
		remedy: 'Change the field that its words name. Nothing was bought.',
		cause: 'configuration-invalid',
	}),
	notFound: (provider) => ({
		what: `${provider} does not know the task or address`,
		remedy:
			'Check the task ID and that it was made with this provider and API key; tasks are forgotten some time after their files expire. If every call ends like this, check Base URL in the credential.',
		cause: 'configuration-invalid',
	}),
	rateLimited: (provider) => ({
		what: `${provider} receives too many requests from this account`,
		remedy:
			'It was tried several times with growing pauses. Send fewer items at once, or run it later.',
		cause: 'rate-limited',
	}),
	maintenance: (provider) => ({
		what: `${provider} is down for maintenance`,
		remedy: 'Run the workflow again later. Nothing was bought by this request.',
		cause: 'temporarily-unavailable',
	}),
	serverError: (provider) => ({
		what: `${provider} could not answer`,
		remedy: `The trouble is on the side of ${provider}. Try again later.`,
		cause: 'temporarily-unavailable',
	}),
	generationFailed: (provider) => ({
		what: `${provider} could not generate this`,
		remedy:
			'Change the prompt or the images (Midjourney refuses some content) and submit a new task.',
	}),
	featureDisabled: (provider) => ({
		what: `${provider} has switched this feature off`,
		remedy: 'Choose another version, mode or operation, or ask their support.',
		cause: 'configuration-invalid',
	}),
	notOffered: (provider) => ({
		what: `${provider} has no such operation`,
		remedy: 'Choose another operation, or another Provider. Nothing was sent.',
		cause: 'configuration-invalid',
	}),
	unfitSource: () => ({
		what: 'The source does not fit',
		remedy:
			'Take Task ID, Job ID and Index from one finished task, for example by connecting its node. A Job ID alone, with Task ID emptied, is sent without a look. Nothing was bought.',
		cause: 'configuration-invalid',
	}),
	unknownSize: () => ({
		what: 'The size of the image could not be read',
		remedy: 'Enter Image Width and Image Height under Additional Fields. Nothing was bought.',
		cause: 'configuration-invalid',
	}),
	unfitCanvas: () => ({
		what: 'Canvas, mask and image do not go together',
		remedy:
			'Change the canvas or the mask; Image Width and Image Height under Additional Fields say how large the image is to lie on the canvas. Nothing was bought.',
		cause: 'configuration-invalid',
	}),
	unreachable: (provider) => ({
		what: `${provider} cannot be reached`,
		remedy:
			'Check Base URL in the credential and that this n8n may connect to it (DNS, proxy, certificate). Nothing was sent.',
		cause: 'temporarily-unavailable',
	}),
	connectionLost: (provider) => ({
		what: `The connection to ${provider} broke off`,
		remedy: `Check the network between this n8n and ${provider}.`,
		cause: 'temporarily-unavailable',
	}),
	timedOut: (provider) => ({
		what: `${provider} did not answer in time`,
		remedy: `Check the network between this n8n and ${provider}.`,
		cause: 'temporarily-unavailable',
	}),
	unreadable: (provider) => ({
		what: `The answer is not one of ${provider}`,
		remedy:
			'It holds no JSON of the documented form. Check Base URL in the credential (the API host, not the web site), and proxies in between.',
	}),
	redirected: (provider) => ({
		what: `The Base URL of ${provider} points elsewhere`,
		remedy:
			'The server answers with a redirect, which is not followed, so that the API key goes nowhere else. Enter the final https address as Base URL in the credential.',
		cause: 'configuration-invalid',
	}),
};

/** How to put a failure: what happened, with the provider's own code and words, and what to do. */
export function wordingOf(failure: Failure, provider: string): Wording {
	const { what, remedy, cause } = WORDING[failure.reason](provider);
	const own = [failure.code, failure.words && `“${failure.words}”`].filter(Boolean).join(' ');
	return {
		what: own ? `${what} (${own})` : what,
		remedy: failure.meaning ? `This code means: ${failure.meaning}. ${remedy}` : remedy,
		cause,
	};
}

/** Said in place of the remedy when a submit may have been taken although no task id came back. */
export const AMBIGUOUS_SUBMIT = (provider: string): string =>
	`The task may exist and may have been paid: it was not sent again, and a retry of this execution will not send it again either. Look in the task list of ${provider}; if the task is there, take its ID to Task → Wait. If it is not there, start a new execution.`;
