/* eslint-disable @n8n/community-nodes/no-restricted-imports -- follows paths, it is not a node */
import { posix } from 'node:path';

import { VTRIX_MODELS } from '../emulator/kinds';
import { filesIn, read } from './built';
import { commentsOf } from './comments';
import { anchorOf, headingsOf, localLinksOf, quotedIn, withoutCode } from './markdown';

/** Comments refer to docs/ by heading, and docs/ to the sources by name. Both kinds of reference are followed here. */

const SOURCES = filesIn(['nodes', 'credentials', 'test', 'scripts']).filter((file) =>
	/\.(ts|mjs|cjs)$/.test(file),
);
const DOCS = filesIn(['docs'], '.md');
const PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'examples/README.md', ...DOCS];

/** Long pages: a reference to one of them must name a heading. */
const BY_HEADING = ['wire.md', 'architecture.md'];

/** The documents that a comment names, each with its headings that the comment names. */
const referencesIn = (comment: string): Array<{ page: string; headings: string[] }> =>
	[...comment.matchAll(/([\w./-]*\w\.md)(?:: ([^)]+)\))?/g)].map(([, page = '', headings]) => ({
		page: posix.basename(page),
		headings: headings?.split(', ') ?? [],
	}));

/** Why a reference leads nowhere; undefined when it can be followed. */
function brokenBecause({ page, headings }: { page: string; headings: string[] }) {
	const path = PAGES.find((known) => posix.basename(known) === page);
	if (path === undefined) return `${page} is not there`;
	if (headings.length === 0 && BY_HEADING.includes(page)) return `no heading of ${page}`;
	const there = headingsOf(read(path));
	const missing = headings.filter((heading) => !there.includes(heading));
	return missing.length > 0 ? `${page} has no heading “${missing.join('”, “')}”` : undefined;
}

/** References by the number of a section, to documents that are not in this repository. */
const BY_NUMBER = /\b(design|contract|section|part) \d|\(\d\.\d{1,2}[),]/i;

describe('The reader of references', () => {
	it.each([
		['// As told (wire.md: Vtrix codes).', [['wire.md', 'Vtrix codes']]],
		[
			'/** As told (wire.md:\n * Vtrix codes, Vtrix\n * tasks). */',
			[['wire.md', 'Vtrix codes', 'Vtrix tasks']],
		],
		['const a = 1; // (wire.md: Vtrix\n// codes)', [['wire.md', 'Vtrix codes']]],
		['f(/* docs/waiting.md */ 1);', [['waiting.md']]],
		[
			"const a = '// (wire.md: Vtrix)'; const b = /[/]/; // (wire.md: Vtrix)",
			[['wire.md', 'Vtrix']],
		],
		['`${1 /* (wire.md: Vtrix) */}`', [['wire.md', 'Vtrix']]],
	])('sees %j', (code, expected) => {
		const found = commentsOf('file.ts', code).flatMap(referencesIn);
		expect(found.map(({ page, headings }) => [page, ...headings])).toEqual(expected);
	});

	it.each([
		['wire.md', ['Vtrix codes'], undefined],
		['waiting.md', [], undefined],
		['wire.md', [], 'no heading of wire.md'],
		['wire.md', ['Vtrix', 'Vtrix prices'], 'wire.md has no heading “Vtrix prices”'],
		['prices.md', [], 'prices.md is not there'],
	])('says why %s is broken: %j', (page, headings, expected) => {
		expect(brokenBecause({ page, headings })).toBe(expected);
	});
});

/** Only files with a match are parsed. */
const MAY_REFER = /\.md\b|\b(design|contract|section|part)[\s*/]+\d|\(\d\.\d/i;

describe('The comments of the sources', () => {
	const comments = SOURCES.filter((file) => MAY_REFER.test(read(file))).flatMap((file) =>
		commentsOf(file, read(file)).map((comment) => ({ file, comment })),
	);
	const references = comments.flatMap(({ file, comment }) =>
		referencesIn(comment).map((reference) => ({ file, ...reference })),
	);

	it('refer only to headings that exist', () => {
		const broken = references.flatMap(({ file, ...reference }) => {
			const reason = brokenBecause(reference);
			return reason === undefined ? [] : [`${file}: ${reason}`];
		});
		expect(broken).toEqual([]);
	});

	it('refer to no section by its number', () => {
		const found = comments.flatMap(({ file, comment }) => {
			const number = BY_NUMBER.exec(comment)?.[0];
			return number === undefined ? [] : [`${file}: ${number}`];
		});
		expect(found).toEqual([]);
	});

	it.each(BY_HEADING)('refer to %s', (page) => {
		expect(references.filter((reference) => reference.page === page)).not.toEqual([]);
	});
});

describe('The names of the tests', () => {
	it('refer to no section by its number', () => {
		const named = filesIn(['test'], '.test.ts').filter((file) =>
			/\b(describe|it|test)\(\s*['"`][^\n]*\b(design|contract) \d/.test(read(file)),
		);
		expect(named).toEqual([]);
	});
});

/** The folders to which a path in the documents may be relative. */
const ROOTS = ['', 'nodes/Midjourney/', 'credentials/', 'docs/'];
const FILES = new Set([
	...filesIn(['nodes', 'credentials', 'test', 'docs', 'examples']),
	...[
		'README.md',
		'CONTRIBUTING.md',
		'CHANGELOG.md',
		'SECURITY.md',
		'package.json',
		'index.js',
		'gulpfile.js',
	],
]);
const fileNamed = (path: string): string | undefined =>
	ROOTS.map((root) => root + path).find((file) => FILES.has(file));

describe.each(BY_HEADING.map((name) => `docs/${name}`))('%s', (path) => {
	const page = read(path);

	it('names only files that exist', () => {
		const files = quotedIn(page).filter((quoted) =>
			/^[\w./-]+\.(ts|cjs|mjs|json|md)$/.test(quoted),
		);
		expect(files).not.toEqual([]);
		expect(files.filter((file) => fileNamed(file) === undefined)).toEqual([]);
	});

	it('names only identifiers that are in the file it names', () => {
		const names = [...withoutCode(page).matchAll(/`(\w+)`\s+in\s+`([\w./-]+\.ts)`/g)];
		expect(names).not.toEqual([]);
		const missing = names.filter(([, name = '', file = '']) => {
			const found = fileNamed(file);
			return found === undefined || !new RegExp(`\\b${name}\\b`).test(read(found));
		});
		expect(missing.map(([text]) => text)).toEqual([]);
	});

	it('has each heading once, and none with a comma, which separates headings', () => {
		const headings = headingsOf(page);
		expect(headings.filter((one, place) => headings.indexOf(one) !== place)).toEqual([]);
		expect(headings.filter((one) => /[,)]/.test(one))).toEqual([]);
	});
});

/** Rows of tables that begin with names on the wire, and those that begin with an operation and its model. */
const FIELDS = /^\| `[^`]+`(?:[,;] `[^`]+`)* +\|/;
const MODEL = /^\| [\w ]+\| `midjourney_/;

describe('docs/wire.md', () => {
	const page = read('docs/wire.md');
	const sources = new Map(
		[...page.matchAll(/^\[([\w-]+)\]: (\S+)$/gm)].map(([, key = '', url = '']) => [key, url]),
	);
	const cited = [...page.matchAll(/\]\[([\w-]+)\]/g)].map(([, key = '']) => key);

	it('cites public pages', () => {
		expect([...sources.values()].filter((url) => !/^https:\/\//.test(url))).toEqual([]);
	});

	it('lists only fields and models that the providers use', () => {
		const code = filesIn(['nodes/Midjourney/providers'], '.ts').map(read).join('\n');
		const rows = page.split('\n').filter((line) => FIELDS.test(line) || MODEL.test(line));
		const names = rows.flatMap((row) => {
			const [, first = '', second = ''] = row.split('|');
			return quotedIn(first.includes('`') ? first : second).flatMap((name) => name.match(/\w+/g));
		});
		expect(names.length).toBeGreaterThan(30);
		expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(code))).toEqual([]);
	});

	it('names every model of the emulator', () => {
		expect(VTRIX_MODELS.filter((model) => !quotedIn(page).includes(model))).toEqual([]);
	});

	it('has a URL for every source it cites, and cites every URL', () => {
		expect([...new Set(cited)].sort()).toEqual([...sources.keys()].sort());
	});
});

describe.each(PAGES)('The links of %s', (path) => {
	it('lead to files and headings that exist', () => {
		const broken = localLinksOf(read(path)).filter(({ file, anchor }) => {
			const target = file === '' ? path : posix.join(posix.dirname(path), file);
			if (!target.endsWith('.md')) return !FILES.has(target) && target !== 'LICENSE';
			if (!FILES.has(target)) return true;
			return anchor !== '' && !headingsOf(read(target)).map(anchorOf).includes(anchor);
		});
		expect(broken).toEqual([]);
	});
});
