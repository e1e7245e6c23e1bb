import {
	addressOfField,
	fieldAt,
	fieldsIn,
	withAddresses,
} from '../../nodes/Midjourney/providers/images';
import type { Mask, TaskRequest } from '../../nodes/Midjourney/providers/provider';

const inItem = (field: string): string => addressOfField(field) ?? 'no address';
const ON_WEB = 'https://example.com/a.png';
const A = inItem('a');
const B = inItem('b');

describe('The name of a binary field', () => {
	it.each(['data', 'My photo', 'a,b', 'a::2', 'bild_äöü', '{x}', '100%', 'a --no b', 'https://x'])(
		'%s stands in an address and comes out of it',
		(name) => {
			expect(inItem(name)).toMatch(/^binary:[^\s{},]+$/);
			expect(fieldAt(inItem(name))).toBe(name);
		},
	);

	it('that nobody can write makes no address', () => {
		expect(addressOfField('\ud83e')).toBeUndefined();
	});

	it.each([ON_WEB, 'http://binary:8080/', '123::2', ''])(
		'is in no other address: %s',
		(address) => {
			expect(fieldAt(address)).toBeUndefined();
		},
	);
});

const areas: Mask = { polygons: [[0, 0, 9, 0, 9, 9]] };

/** Requests, the fields that they take pictures from, and what becomes of these. */
const REQUESTS: Array<[string, TaskRequest, string[], object]> = [
	[
		'image prompts, references',
		{
			kind: 'generateImage',
			mode: 'imageToImage',
			prompt: `a cup ${A}`,
			imageUrls: [B, ON_WEB, A],
			omniReference: A,
			styleReferences: ['123::2', B],
		},
		['b', 'a'],
		{
			prompt: `a cup ${A}`,
			imageUrls: ['url of b', ON_WEB, 'url of a'],
			omniReference: 'url of a',
			styleReferences: ['123::2', 'url of b'],
		},
	],
	[
		'no picture',
		{ kind: 'generateImage', mode: 'textToImage', prompt: A },
		[],
		{ prompt: A, imageUrls: undefined },
	],
	[
		'the first frame of a video',
		{ kind: 'generateVideo', quality: 'hd', prompt: 'steam', imageUrl: A, motion: 'low' },
		['a'],
		{ imageUrl: 'url of a' },
	],
	[
		'an image to be painted, and its mask',
		{ kind: 'uploadPaintImage', imageUrl: A, prompt: 'p', mask: { url: B } },
		['a', 'b'],
		{ imageUrl: 'url of a', mask: { url: 'url of b' } },
	],
	[
		'an image to be painted, with areas',
		{ kind: 'uploadPaintImage', imageUrl: ON_WEB, prompt: 'p', mask: areas },
		[],
		{ imageUrl: ON_WEB, mask: areas },
	],
	[
		'an image to be retextured',
		{ kind: 'retextureImage', imageUrl: A, prompt: 'p' },
		['a'],
		{ imageUrl: 'url of a' },
	],
	[
		'the mask of an image of a task',
		{ kind: 'inpaintImage', taskId: 't', index: 0, mask: { url: A } },
		['a'],
		{ mask: { url: 'url of a' } },
	],
	[
		'the mask of an edit',
		{ kind: 'editImage', taskId: 't', index: 0, prompt: 'p', mask: { url: A } },
		['a'],
		{ mask: { url: 'url of a' } },
	],
	['an edit without a mask', { kind: 'editImage', taskId: 't', index: 0, prompt: 'p' }, [], {}],
	[
		'the parameters of a model',
		{ kind: 'runModel', model: 'm', parameters: { imgUrl: A } },
		[],
		{ parameters: { imgUrl: A } },
	],
];

describe('The pictures of a request', () => {
	it.each(REQUESTS)('%s', (_, request, fields, changed) => {
		expect(fieldsIn(request)).toEqual(fields);
		const urlOf = (address: string) => {
			const field = fieldAt(address);
			return field === undefined ? address : `url of ${field}`;
		};
		expect(withAddresses(request, urlOf)).toEqual({ ...request, ...changed });
	});
});
