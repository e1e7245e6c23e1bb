import type { Answer, Manner, ProviderName, Reaction } from '../emulator';

/**
 * The faults of the matrix, as data. One row: what happens on the wire to every call of one kind for one item of several (or
 * only to the first so many of them), and what has to come of it. Written from the providers' documentation, not from what
 * the node makes of it.
 */
export interface Fault {
	readonly name: string;
	/** The row of the summary that it is counted in. */
	readonly group: string;
	readonly route: Route;
	/** The only provider with this answer; unset: both. */
	readonly provider?: ProviderName;
	/** `after`: the provider has done its work, such as accepting the submit, and only its answer goes wrong. */
	readonly when: 'before' | 'after';
	readonly wire: Wire;
	/** The number of calls that meet the fault; unset: all. */
	readonly times?: number;
	readonly ends: Ending;
	/** What the message must say if the item fails; one of them is enough. */
	readonly says: readonly RegExp[];
	/** The provider says that the task of the prompt has failed, so the message may advise another prompt. */
	readonly blamesPrompt?: boolean;
	/** It is about the account, so the other items may be left unbought. */
	readonly accountWide?: boolean;
	/** Runs in all modes at any size, and is followed by n8n's Retry from the saved data. */
	readonly important?: boolean;
}

export type Route = 'submit' | 'read' | 'file' | 'balance';

/** `delivered`: the item must be whole. `told`: it must fail with a true message. `either`: both are right. */
export type Ending = 'delivered' | 'told' | 'either';

/** What is on the wire in place of the provider's answer. */
export type Wire =
	| { readonly reaction: Reaction }
	/** The provider's answer, which does not arrive as it should. */
	| { readonly manner: Manner }
	/** The provider's answer, with something changed in it. */
	| { readonly change: (answer: Answer) => Answer };

const PROVIDERS: readonly ProviderName[] = ['midApi', 'vtrix'];

/** Every status that a provider documents or a proxy is known to send. */
const STATUSES = [
	...[400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429, 451, 455],
	...[500, 501, 502, 503, 504, 505, 520, 522, 524],
];

/** The documented codes of refusals (wire.md: MidAPI codes, Vtrix codes). */
const DOCUMENTED: Readonly<Record<ProviderName, readonly number[]>> = {
	midApi: [400, 401, 402, 404, 422, 429, 455, 501, 505],
	vtrix: [400, 401, 402, 403, 422, 429],
};
const ABOUT_THE_ACCOUNT: Readonly<Record<ProviderName, readonly number[]>> = {
	// 403 is on no page, but in the provider's own form it is about the key.
	midApi: [401, 402, 403],
	vtrix: [401, 402, 403],
};
/** Transient refusals. */
const PASSING = [429, 455];

/** Each provider's own forms of an error. */
const ownForms: Readonly<Record<ProviderName, Readonly<Record<string, (code: number) => Answer>>>> =
	{
		midApi: {
			'code with HTTP 200': (code) => ({ status: 200, body: { code, msg: 'no luck', data: null } }),
			'envelope with its HTTP status': (code) => ({
				status: code,
				body: { code, msg: 'no luck', data: null },
			}),
		},
		vtrix: {
			'HTTP status with message': (code) => ({ status: code, body: { message: 'no luck' } }),
			'HTTP status with error': (code) => ({
				status: code,
				body: { error: { code, error_message: 'no luck' } },
			}),
			"SeaCloud's envelope": (code) => ({
				status: code,
				body: { status: { code, message: 'no luck', error_code: code * 100 + 1 }, data: null },
			}),
		},
	};

const HTML = { 'content-type': 'text/html' };
const page = (status: number): Answer => ({
	status,
	headers: HTML,
	body: `<html><head><title>${status}</title></head><body><h1>${status}</h1><hr>nginx</body></html>`,
});

/** Answers of someone between n8n and the provider. */
const strangers: Readonly<Record<string, (status: number) => Answer>> = {
	'without a body': (status) => ({ status }),
	'a page of HTML': page,
};

/** The submit is ambiguous. */
export const MAYBE_PAID =
	/may (already )?have been (paid|bought|taken|submitted)|may (already )?be paid|may exist/i;
const NOT_TAKEN_AT_ONCE: readonly RegExp[] = [MAYBE_PAID];

/** What a message about a refusal with this code must say. */
const refusedWith = (code: number): readonly RegExp[] => {
	switch (code) {
		case 401:
			return [/API key/i];
		case 402:
			return [/enough credits|balance/i];
		case 403:
			return [/API key|not allow|may not|permission/i];
		case 429:
			return [/too many requests|rate limit/i];
		case 455:
			return [/maintenance/i];
		case 501:
			return [/could not generate|generation failed/i];
		case 505:
			return [/switched .* off|disabled|not available/i];
		default:
			return [/refused|does not know|not valid/i];
	}
};

/** The connection itself, the same with every provider and for every route. */
const transports: Readonly<Record<string, Wire>> = {
	'connection reset': { reaction: 'reset' },
	'silence before the headers': { reaction: 'hang' },
	'cut in the middle': { manner: 'cut' },
	'silence after the headers': { manner: 'stall' },
	// That takes longer than any limit.
	'a byte every 10 s': { manner: { byteEveryMs: 10_000 } },
};

const HUGE = 24 * 1024 * 1024;
const json = (body: unknown): Answer => ({ status: 200, body });

/** Bodies with HTTP 200 that no provider sends. */
const nonsense: Readonly<Record<string, Answer>> = {
	'HTML with HTTP 200': { ...page(200), body: '<html><body>Welcome</body></html>' },
	'an empty body': { status: 200 },
	null: { status: 200, headers: { 'content-type': 'application/json' }, body: 'null' },
	'an array': json([]),
	'a number': { status: 200, headers: { 'content-type': 'application/json' }, body: '200' },
	'a string': { status: 200, headers: { 'content-type': 'application/json' }, body: '"ok"' },
	'half a JSON text': {
		status: 200,
		headers: { 'content-type': 'application/json' },
		body: '{"code":200,"data":{',
	},
	'an empty object': json({}),
	'24 MB of JSON': json({ filler: 'x'.repeat(HUGE) }),
};

/** Values of another type where an id, a word or a list belongs. */
const wrongTypes: Readonly<
	Record<ProviderName, Readonly<Record<'submit' | 'read', Record<string, Answer>>>>
> = {
	midApi: {
		submit: {
			'data: null': json({ code: 200, msg: 'success', data: null }),
			'data: []': json({ code: 200, msg: 'success', data: [] }),
			'taskId: null': json({ code: 200, msg: 'success', data: { taskId: null } }),
			'taskId: ""': json({ code: 200, msg: 'success', data: { taskId: '' } }),
			'taskId: {}': json({ code: 200, msg: 'success', data: { taskId: {} } }),
			'code: null': json({ code: null, msg: null, data: null }),
		},
		read: {
			'data: []': json({ code: 200, msg: 'success', data: [] }),
			'data: "soon"': json({ code: 200, msg: 'success', data: 'soon' }),
			'code: null': json({ code: null, msg: null, data: null }),
		},
	},
	vtrix: {
		submit: {
			'id: null': json({ id: null, status: 'in_progress' }),
			'id: ""': json({ id: '', status: 'in_progress' }),
			'id: {}': json({ id: {}, status: 'in_progress' }),
			'id: []': json({ id: [], status: 'in_progress' }),
			'a complaint without a code': json({ status: 'failed', error: 'no luck' }),
		},
		read: {
			'status: null': json({ status: null }),
			'status: 7': json({ status: 7 }),
			'error: {}': json({ error: {} }),
		},
	},
};

/** Codes of Vtrix that leave open what became of the task (wire.md: Vtrix codes). */
const VTRIX_CODES = {
	'...098': 8004001098,
	'...099': 8004001099,
	'...099 without its zeros': 4007099,
};
const vtrixComplaints: Readonly<Record<string, (code: number) => Answer>> = {
	'as a task without an id': (code) =>
		json({
			model: 'midjourney_diffusion',
			status: 'failed',
			error: { code, error_message: 'no luck' },
		}),
	'with HTTP 500': (code) => ({ status: 500, body: { error: { code, error_message: 'no luck' } } }),
	'with HTTP 400': (code) => ({ status: 400, body: { error: { code, error_message: 'no luck' } } }),
};

const entries = Object.entries;

/** Rows of the summary that several routes have. */
const OWN = "the provider's own complaint";
const STRANGER = "a proxy's page or a bare status";
const CONNECTION = 'the connection: reset, cut, silence, drip';
const NONSENSE = 'wrong types, HTML, empty, huge';
const RETRY_AFTER_GROUP = 'Retry-After absurd';
const centuryOf = (status: number): string => (status < 500 ? '4xx' : '5xx');

/** An accepted submit may be found again, for example by the call for its task. */
const endOf = (when: Fault['when']): Ending => (when === 'after' ? 'either' : 'told');

function submitFaults(): Fault[] {
	const rows: Fault[] = [];
	const add = (row: Omit<Fault, 'route'>) => rows.push({ route: 'submit', ...row });

	for (const provider of PROVIDERS) {
		for (const [form, own] of entries(ownForms[provider])) {
			for (const code of STATUSES) {
				const documented = DOCUMENTED[provider].includes(code);
				const reaction = own(code);
				const about = {
					group: `${OWN}, ${centuryOf(code)}`,
					provider,
					wire: { reaction },
				} as const;
				add({
					...about,
					name: `${code}, ${form}`,
					when: 'before',
					ends: 'told',
					// An undocumented code may mean anything.
					says: documented
						? refusedWith(code)
						: [MAYBE_PAID, /refused|could not/i, ...refusedWith(code)],
					accountWide: ABOUT_THE_ACCOUNT[provider].includes(code),
				});
				// Only these can follow an accepted submit. A provider that sent the others would lie.
				if (code >= 500 && !documented) {
					add({
						...about,
						name: `${code}, ${form}`,
						when: 'after',
						ends: endOf('after'),
						says: NOT_TAKEN_AT_ONCE,
						important: code === 500 || code === 503,
					});
				}
				if (documented && PASSING.includes(code)) {
					add({
						...about,
						name: `${code}, ${form}, once`,
						when: 'before',
						times: 1,
						ends: 'delivered',
						says: [],
						important: true,
					});
				}
			}
		}
		for (const when of ['before', 'after'] as const) {
			for (const [name, answer] of entries(wrongTypes[provider].submit)) {
				add({
					group: NONSENSE,
					provider,
					name,
					when,
					wire: { reaction: answer },
					ends: endOf(when),
					says: NOT_TAKEN_AT_ONCE,
				});
			}
		}
	}
	for (const when of ['before', 'after'] as const) {
		for (const [form, complain] of entries(vtrixComplaints)) {
			for (const [name, code] of entries(VTRIX_CODES)) {
				add({
					group: "Vtrix's codes …098 and …099",
					provider: 'vtrix',
					name: `${name} ${form}`,
					when,
					wire: { reaction: complain(code) },
					ends: endOf(when),
					says: when === 'after' ? NOT_TAKEN_AT_ONCE : [MAYBE_PAID, /could not/i],
					important: when === 'after' && code === 8004001099,
				});
			}
		}
		for (const [form, stranger] of entries(strangers)) {
			for (const status of STATUSES) {
				add({
					group: `${STRANGER}, ${centuryOf(status)}`,
					name: `${status}, ${form}`,
					when,
					wire: { reaction: stranger(status) },
					ends: endOf(when),
					// From here, before and after look the same.
					says:
						when === 'after'
							? NOT_TAKEN_AT_ONCE
							: [MAYBE_PAID, /refused|could not/i, ...refusedWith(status)],
					important: when === 'after' && [403, 429, 503].includes(status),
				});
			}
		}
		for (const [name, wire] of entries(transports)) {
			// Without the provider's work there is no answer that could go wrong on its way.
			if (when === 'before' && 'manner' in wire) continue;
			add({
				group: CONNECTION,
				name,
				when,
				wire,
				// A slow answer that arrives in the end is an answer.
				ends: name.startsWith('a byte') ? 'either' : endOf(when),
				says: NOT_TAKEN_AT_ONCE,
				important: when === 'after',
			});
		}
		for (const [name, answer] of entries(nonsense)) {
			add({
				group: NONSENSE,
				name,
				when,
				wire: { reaction: answer },
				ends: endOf(when),
				says: NOT_TAKEN_AT_ONCE,
			});
		}
	}
	add({
		group: 'a success with another status',
		name: 'the answer with status 503',
		when: 'after',
		wire: { change: (answer) => ({ ...answer, status: 503 }) },
		ends: 'either',
		says: NOT_TAKEN_AT_ONCE,
		important: true,
	});
	for (const [name, retryAfter] of entries(RETRY_AFTER)) {
		add({
			group: RETRY_AFTER_GROUP,
			name: `429 once, Retry-After: ${name}`,
			provider: 'midApi',
			when: 'before',
			times: 1,
			wire: {
				reaction: {
					status: 429,
					headers: { 'retry-after': retryAfter },
					body: { code: 429, msg: 'slower', data: null },
				},
			},
			ends: 'either',
			says: refusedWith(429),
			important: true,
		});
	}
	return rows;
}

const RETRY_AFTER = {
	'9999999': '9999999',
	'300': '300',
	'-5': '-5',
	'a date in 2099': 'Thu, 01 Jan 2099 00:00:00 GMT',
	words: 'soon',
};

/** For a paid task that cannot be read. Its id is asserted for every cell. */
const PAID: readonly RegExp[] = [/paid/i];

/** Undocumented words for a state, with their usual meaning. */
const WORDS = {
	ends: ['moderated', 'rejected', 'timeout', 'expired', 'failure', 'done'],
	/** Some of those. */
	aboutThePrompt: ['moderated', 'rejected', 'failure'],
	runs: ['thinking', 'post_processing', ''],
};

const changeBody = (change: (body: Record<string, unknown>) => unknown): Wire => ({
	change: (answer) => ({
		...answer,
		body: change(structuredClone(answer.body) as Record<string, unknown>),
	}),
});
const changeData = (more: Record<string, unknown>): Wire =>
	changeBody((body) => ({ ...body, data: { ...(body.data as object), ...more } }));

function readFaults(): Fault[] {
	const rows: Fault[] = [];
	const add = (row: Omit<Fault, 'route' | 'when'>) =>
		rows.push({ route: 'read', when: 'before', ...row });
	/** Adds the row for all reads, and for the first two. */
	const addBoth = (row: Omit<Fault, 'route' | 'when' | 'ends' | 'says'>, more?: Partial<Fault>) => {
		add({ ...row, ends: 'told', says: PAID, ...more });
		add({ ...row, name: `${row.name}, twice`, times: 2, ends: 'delivered', says: [] });
	};

	for (const provider of PROVIDERS) {
		for (const [form, own] of entries(ownForms[provider])) {
			for (const code of STATUSES) {
				const row = {
					group: `${OWN}, ${centuryOf(code)}`,
					provider,
					name: `${code}, ${form}`,
					wire: { reaction: own(code) },
				};
				const passing = PASSING.includes(code) || code === 500 || (code >= 502 && code !== 505);
				// A permanent answer of the provider itself about the task or the account may end the wait.
				if (passing) addBoth(row, { important: code === 429 });
				else add({ ...row, ends: 'told', says: PAID, important: [401, 402, 404].includes(code) });
			}
		}
		for (const [name, answer] of entries(wrongTypes[provider].read)) {
			addBoth({ group: NONSENSE, provider, name, wire: { reaction: answer } });
		}
	}
	for (const [form, stranger] of entries(strangers)) {
		for (const status of STATUSES) {
			addBoth(
				{
					group: `${STRANGER}, ${centuryOf(status)}`,
					name: `${status}, ${form}`,
					wire: { reaction: stranger(status) },
				},
				{ important: [403, 404, 503].includes(status) },
			);
		}
	}
	for (const [name, wire] of entries(transports)) {
		const row = { group: CONNECTION, name, wire };
		if (name.startsWith('a byte')) add({ ...row, ends: 'either', says: PAID, important: true });
		else addBoth(row, { important: true });
	}
	for (const [name, answer] of entries(nonsense)) {
		addBoth({ group: NONSENSE, name, wire: { reaction: answer } });
	}

	add({
		group: 'unknown at first, then there',
		name: '404 at first: the books are behind',
		provider: 'vtrix',
		wire: { reaction: { status: 404, body: { message: 'task not found' } } },
		times: 1,
		ends: 'delivered',
		says: [],
		important: true,
	});
	add({
		group: 'unknown at first, then there',
		name: '422 at first: the books are behind',
		provider: 'midApi',
		wire: { reaction: json({ code: 422, msg: 'recordInfo is null', data: null }) },
		times: 1,
		ends: 'delivered',
		says: [],
		important: true,
	});
	add({
		group: 'unknown at first, then there',
		name: 'success without data at first: the books are behind',
		provider: 'midApi',
		wire: { reaction: json({ code: 200, msg: 'success', data: null }) },
		times: 1,
		ends: 'delivered',
		says: [],
		important: true,
	});
	const other = 'ffffffffffffffffffff';
	for (const [provider, wire] of [
		['midApi', changeData({ taskId: other })],
		['vtrix', changeBody((body) => ({ ...body, id: other }))],
	] as const) {
		addBoth(
			{ group: 'the status of another task', provider, name: 'another id', wire },
			{ important: true },
		);
	}
	for (const word of WORDS.ends) {
		add({
			group: 'words for a state that no page prints',
			name: `status “${word}”`,
			provider: 'vtrix',
			wire: changeBody((body) => ({ ...body, status: word })),
			ends: 'either',
			says: [new RegExp(word, 'i'), /could not generate/i, ...PAID],
			blamesPrompt: WORDS.aboutThePrompt.includes(word),
		});
	}
	for (const word of WORDS.runs) {
		add({
			group: 'words for a state that no page prints',
			name: `status “${word}”`,
			provider: 'vtrix',
			wire: changeBody((body) => ({ ...body, status: word })),
			ends: 'told',
			says: PAID,
		});
	}
	for (const flag of [7, 'x', null, [], {}]) {
		add({
			group: 'words for a state that no page prints',
			name: `successFlag ${JSON.stringify(flag)}`,
			provider: 'midApi',
			wire: changeData({ successFlag: flag }),
			ends: 'told',
			says: PAID,
		});
	}
	for (const [name, retryAfter] of entries(RETRY_AFTER)) {
		add({
			group: RETRY_AFTER_GROUP,
			name: `429 once, Retry-After: ${name}`,
			wire: { reaction: { status: 429, headers: { 'retry-after': retryAfter }, body: {} } },
			times: 1,
			ends: 'either',
			says: PAID,
			important: true,
		});
	}
	return rows;
}

const FILE_FAILED: readonly RegExp[] = [/download/i];
const PNG = { 'content-type': 'image/png' };
const LIMIT_MB = 1;

/** The options of the node in all cells about files. */
export const FILE_OPTIONS = { downloadLimit: LIMIT_MB };

function fileFaults(): Fault[] {
	const rows: Fault[] = [];
	const add = (group: string, row: Omit<Fault, 'group' | 'route' | 'when' | 'says'>) =>
		rows.push({
			group,
			route: 'file',
			when: 'before',
			says: row.ends === 'delivered' ? [] : FILE_FAILED,
			...row,
		});

	const STATUS = 'a status';
	const CONTENT = 'not the file: empty, HTML, wrong length';
	const TOO_LARGE = 'larger than the limit';
	const ELSEWHERE = 'a redirect that leads nowhere';
	for (const status of [400, 401, 403, 404, 410, 429, 500, 502, 503, 504]) {
		const wire: Wire = { reaction: page(status) };
		add(STATUS, { name: `${status}`, wire, ends: 'told', important: status === 404 });
		if (status === 429 || status >= 500) {
			add(STATUS, { name: `${status}, once`, wire, times: 1, ends: 'delivered' });
		}
	}
	const served = (answer: Partial<Answer>): Wire => ({
		change: (genuine) => ({ ...genuine, ...answer }),
	});
	add(CONTENT, {
		name: '0 bytes',
		wire: served({ body: Buffer.alloc(0), headers: PNG }),
		ends: 'told',
	});
	add(CONTENT, {
		name: 'HTML as image/png',
		wire: served({ body: '<html>Expired</html>', headers: PNG }),
		ends: 'told',
	});
	add(CONTENT, { name: 'HTML as text/html', wire: { reaction: { ...page(200) } }, ends: 'told' });
	add(CONTENT, {
		name: 'a length that is too long',
		wire: {
			change: (genuine) => ({
				...genuine,
				headers: { ...PNG, 'content-length': '100000' },
				manner: 'stall',
			}),
		},
		ends: 'told',
	});
	add(TOO_LARGE, {
		name: 'larger than the limit, and says so',
		wire: served({ body: Buffer.alloc(LIMIT_MB * 1e6 + 1, 1) }),
		ends: 'told',
	});
	add(TOO_LARGE, {
		name: 'larger than the limit, in chunks',
		wire: served({
			body: Buffer.alloc(LIMIT_MB * 1e6 + 1, 1),
			headers: { ...PNG, 'transfer-encoding': 'chunked' },
		}),
		ends: 'told',
	});
	add(ELSEWHERE, {
		name: 'a redirect to nowhere',
		wire: { reaction: { status: 302, headers: { location: 'http://127.0.0.1:9/gone.png' } } },
		ends: 'told',
	});
	add(ELSEWHERE, {
		name: 'a redirect in a circle',
		wire: {
			change: (genuine) => ({ status: 302, headers: { location: '?again' }, body: genuine.body }),
		},
		ends: 'told',
	});
	for (const [name, wire] of entries(transports)) {
		const slow = name.startsWith('a byte');
		add(CONNECTION, { name, wire, ends: slow ? 'either' : 'told', important: true });
		if (!slow) add(CONNECTION, { name: `${name}, once`, wire, times: 1, ends: 'delivered' });
	}
	return rows;
}

function balanceFaults(): Fault[] {
	const rows: Fault[] = [];
	const add = (row: Omit<Fault, 'route' | 'when' | 'provider'>) =>
		rows.push({ route: 'balance', when: 'before', provider: 'midApi', ...row });
	const ANY: readonly RegExp[] = [/MidAPI/];
	for (const [form, own] of entries({ ...ownForms.midApi, ...strangers })) {
		for (const status of STATUSES) {
			add({
				group: `a refusal, ${centuryOf(status)}`,
				name: `${status}, ${form}`,
				wire: { reaction: own(status) },
				ends: 'told',
				says: ANY,
			});
		}
	}
	for (const [name, wire] of entries(transports)) {
		const slow = name.startsWith('a byte');
		add({ group: CONNECTION, name, wire, ends: slow ? 'either' : 'told', says: ANY });
		if (!slow)
			add({
				group: CONNECTION,
				name: `${name}, once`,
				wire,
				times: 1,
				ends: 'delivered',
				says: [],
			});
	}
	for (const [name, answer] of entries(nonsense)) {
		add({ group: NONSENSE, name, wire: { reaction: answer }, ends: 'told', says: ANY });
	}
	for (const data of [null, 'many', [], {}]) {
		add({
			group: NONSENSE,
			name: `data: ${JSON.stringify(data)}`,
			wire: { reaction: json({ code: 200, msg: 'success', data }) },
			ends: 'told',
			says: ANY,
		});
	}
	for (const [name, retryAfter] of entries(RETRY_AFTER)) {
		add({
			group: RETRY_AFTER_GROUP,
			name: `429 for ever, Retry-After: ${name}`,
			wire: { reaction: { status: 429, headers: { 'retry-after': retryAfter } } },
			ends: 'told',
			says: ANY,
			important: true,
		});
	}
	return rows;
}

export const FAULTS: readonly Fault[] = [
	...submitFaults(),
	...readFaults(),
	...fileFaults(),
	...balanceFaults(),
];

/**
 * Words that lead someone to pay for what is paid. The first are lies about an item that was bought or may have been; the
 * second are lies whenever the execution itself went on.
 */
export const LIES = {
	ofPaid: [
		/(?<!not )run the workflow again/i,
		/(?<!not )submit (it again|a new task)/i,
		/nothing was (bought|submitted|sent)/i,
	],
	/** Unless the provider itself says that the task has failed. */
	ofPrompts: [/change the prompt/i],
	ofContinued: [/retr(y|ied)( of)? (this|the) execution/i],
	/** For requests that buy nothing. */
	ofFree: [MAYBE_PAID],
};
