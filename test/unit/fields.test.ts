import {
	binaryField,
	binaryFields,
	choiceField,
	integerField,
	jsonField,
	listField,
	optional,
	switchField,
	textField,
	urlProblem,
} from '../../nodes/Midjourney/operations/field';
import {
	aspectRatio,
	customVersion,
	imageUrls,
	version,
} from '../../nodes/Midjourney/operations/fields';
import { generateImage } from '../../nodes/Midjourney/operations/image/generate';

const look = { displayName: 'F', name: 'f', default: '' };

/** As an expression may give it, and JSON cannot say. */
const ROUND: Record<string, unknown> = {};
ROUND.itself = ROUND;

function fieldNamed(name: string) {
	const field = [...(generateImage.style ?? []), ...(generateImage.additional ?? [])].find(
		({ property }) => property.name === name,
	);
	if (!field) throw new Error(`There is no field ${name}`);
	return field;
}

describe('A field accepts what people and expressions give', () => {
	const integer = integerField({ min: 0, max: 1000 }, look);
	const urls = imageUrls('');
	const ids = listField({ separator: /[\s,]+/ }, look);
	const choice = choiceField([{ name: 'One', value: 1 }] as const, look);
	const one = 'https://a.example/1.png';
	const two = 'https://a.example/2,3.png';
	const EMOJI = '🫖'.repeat(1001);
	const styles = fieldNamed('styleReferences');
	const CASES: Array<[string, { read(value: unknown): unknown }, unknown, unknown]> = [
		['a number', integer, 250, 250],
		['a number as text', integer, '250', 250],
		['zero', integer, 0, 0],
		['a number for a text', textField(10, look), 7, '7'],
		['a choice as text', choice, '1', 1],
		['true as text', switchField(look), 'true', true],
		['one URL', urls, one, [one]],
		['URLs on lines', urls, `${one}\n${two}\n`, [one, two]],
		['URLs with commas in and between them', urls, `${one}, ${two}`, [one, two]],
		['an array of URLs', urls, [one, ` ${two} `], [one, two]],
		['ids in any form', ids, 'a, b\nc  d', ['a', 'b', 'c', 'd']],
		['an array of ids', ids, ['a', 7], ['a', '7']],
		['a version of tomorrow', version, '9.5', '9.5'],
		['a version as a number', version, 7, '7'],
		['a version with a v', customVersion, 'v7', '7'],
		['a version with a V and spaces', customVersion, ' V 6.1 ', '6.1'],
		['niji in any spelling', customVersion, 'Niji 7', 'niji7'],
		['niji as it is listed', version, 'niji6', 'niji6'],
		['niji without a number', version, 'niji', 'niji'],
		['1,001 emoji where 2,000 characters fit', textField(2000, look), EMOJI, EMOJI],
		[
			'styles with weights',
			styles,
			`123::2, random ${one}::0.5`,
			['123::2', 'random', `${one}::0.5`],
		],
		['the name of a binary field', binaryField(look), ' data ', 'binary:data'],
		['a name with a space', binaryField(look), 'My photo', 'binary:My%20photo'],
		['names of binary fields', binaryFields(2, look), 'a,  b', ['binary:a', 'binary:b']],
		['an array of names', binaryFields(2, look), ['a', 'b'], ['binary:a', 'binary:b']],
		['nothing, where it is optional', aspectRatio, '', undefined],
		['null, where it is optional', optional(integer), null, undefined],
	];

	it.each(CASES)('%s', (_, field, given, value) => {
		expect(field.read(given)).toEqual({ value });
	});
});

describe('A field reports what does not fit', () => {
	const integer = integerField({ min: 0, max: 100, step: 5 }, look);
	const json = jsonField((value) => ({ value }), look);
	const CASES: Array<[string, { read(value: unknown): unknown }, unknown, RegExp]> = [
		['a fraction', integer, 2.5, /whole number from 0 to 100 in steps of 5, not “2.5”/],
		['a value between the steps', integer, 7, /in steps of 5/],
		['NaN', integer, NaN, /whole number/],
		['a word for a number', integer, 'many', /not “many”/],
		['nothing for a number', integer, '', /not nothing/],
		['an object for a number', integer, { a: 1 }, /not “{"a":1}”/],
		['a BigInt for a number', integer, 10n, /not “of type bigint”/],
		['a list of BigInts for a choice', aspectRatio, [10n], /not “a list”/],
		['what holds itself for a number', integer, ROUND, /not “of type object”/],
		['a list for a text', textField(10, look), ['a'], /must be text, not a list/],
		['NaN for a text', textField(10, look), NaN, /must be text, not of type number/],
		['NaN among URLs', imageUrls(''), [NaN], /not a URL/],
		['too long a text', textField(3, look), 'four', /has 4 characters, but at most 3/],
		['too many emoji', textField(3, look), '🫖🫖🫖🫖', /has 4 characters, but at most 3/],
		[
			'a version that is a flag',
			customVersion,
			'--v 7',
			/must be a version such as 7, 6.1 or niji6, not “--v 7”/,
		],
		['a version with a flag', customVersion, '7 --tile', /not “7 --tile”/],
		['a version with a flag, from an expression', version, '7 --tile', /not “7 --tile”/],
		['a version of a letter', customVersion, 'v', /must be a version/],
		['a version of words', customVersion, 'seven', /must be a version/],
		['a version with two points', customVersion, '6.1.1', /must be a version/],
		['a style with a weight of words', fieldNamed('styleReferences'), '123::much', /“123::much”/],
		[
			'a style with a flag',
			fieldNamed('styleReferences'),
			'123 --ar',
			/“--ar”, which is not a URL/,
		],
		['an unlisted choice', aspectRatio, '7:5', /must be one of 1:1, 1:2, .* not “7:5”/],
		['a word for a switch', switchField(look), 'yes', /must be true or false/],
		['an object among URLs', imageUrls(''), [{ url: 'x' }], /not a URL/],
		['an empty list', imageUrls(''), [], /is empty/],
		[
			'a file for the name of its field',
			binaryField(look),
			{ mimeType: 'image/png', data: '' },
			/^must be text or a list, not of type object$/,
		],
		['true for a list', imageUrls(''), true, /^must be text or a list, not of type boolean$/],
		['no name of a binary field', binaryField(look), ' ', /is empty/],
		[
			'two names for one picture',
			binaryField(look),
			'a, b',
			/names 2 fields, at most 1 are allowed/,
		],
		['half a character for a name', binaryField(look), '\ud83e', /contains an invalid field name/],
		['what is no JSON', json, '{ "a": 1', /is not valid JSON: “{ "a": 1”/],
		['an expression left as text', json, '{ "a": "{{ $json.a }}" }', /switch .* to Expression/],
		['an expression left as text, bare', json, '{ "a": {{ $json.a }} }', /switch .* to Expression/],
	];

	it.each(CASES)('%s', (_, field, given, problem) => {
		expect(field.read(given)).toEqual({ problem: expect.stringMatching(problem) });
	});

	it('without repeating a long value in full', () => {
		const reading = aspectRatio.read('x'.repeat(5000));
		expect('problem' in reading && reading.problem.length).toBeLessThan(300);
	});
});

describe('A URL', () => {
	it.each([
		['https://a.example/1.png', true],
		['http://a.example', true],
		['HTTPS://A.EXAMPLE/1.PNG', true],
		['a.example/1.png', false],
		['ftp://a.example/1.png', false],
		['data:image/png;base64,xxxx', false],
		['https://', false],
		['https://a b.example', false],
		['javascript:alert(1)', false],
	])('%s fits: %s', (url, fits) => {
		expect(urlProblem(url) === undefined).toBe(fits);
	});
});
