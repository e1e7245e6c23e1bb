/* eslint-disable @n8n/community-nodes/no-restricted-imports -- compiles the package, it is not a node */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { INodePropertyOptions, INodeType } from 'n8n-workflow';
import ts from 'typescript';

import type { Http } from '../../nodes/Midjourney/providers/http';
import type { Provider } from '../../nodes/Midjourney/providers/Provider';
import { read, ROOT } from './built';

/** CONTRIBUTING.md promises what a new provider touches: here its example is applied to a copy of the house and run. */

const section = read('CONTRIBUTING.md').split('## A worked example: a new provider')[1] ?? '';
const blocks = [...section.matchAll(/```(ts|diff)\n([^]*?)```/g)].map(([, kind, block = '']) => ({
	kind,
	// It stands in a list, three spaces in.
	text: block.replace(/^ {3}/gm, ''),
}));
const newFile = blocks.find(({ kind }) => kind === 'ts')?.text ?? '';
const [registration, offer] = blocks.filter(({ kind }) => kind === 'diff').map(({ text }) => text);

let folder: string;

/** Changes one line of a file of the copy as a diff says. */
function apply(path: string, diff: string | undefined): void {
	const [, before = ''] = /^-(.*)$/m.exec(diff ?? '') ?? [];
	const [, after = ''] = /^\+(.*)$/m.exec(diff ?? '') ?? [];
	const file = join(folder, 'nodes/Midjourney', path);
	const text = readFileSync(file, 'utf8');
	expect(text.split(before)).toHaveLength(2);
	writeFileSync(file, text.replace(before, after));
}

/** The complaints of the compiler about the copy, which it builds into `dist`. */
function compile(): string[] {
	const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile.bind(ts.sys));
	const { options } = ts.parseJsonConfigFileContent(config, ts.sys, folder);
	const program = ts.createProgram([join(folder, 'nodes/Midjourney/Midjourney.node.ts')], {
		...options,
		rootDir: folder,
		outDir: join(folder, 'dist'),
	});
	const complaints = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
	return complaints.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'midjourney-provider-'));
	cpSync(join(ROOT, 'nodes'), join(folder, 'nodes'), { recursive: true });
	symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
	writeFileSync(join(folder, 'nodes/Midjourney/providers/example.ts'), newFile);
	apply('providers/index.ts', registration);
	const index = join(folder, 'nodes/Midjourney/providers/index.ts');
	writeFileSync(index, `import { example } from './example';\n${readFileSync(index, 'utf8')}`);
	for (const path of ['image/generate.ts', 'task/get.ts', 'task/wait.ts']) {
		apply(`operations/${path}`, offer);
	}
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('The new provider of CONTRIBUTING.md', () => {
	it('satisfies the compiler with the files that the example names, and no other', () => {
		expect(compile()).toEqual([]);
	}, 60_000);

	it('is in the panel, with its credential and its operations', () => {
		const { Midjourney } = createRequire(join(folder, 'x.js'))(
			'./dist/nodes/Midjourney/Midjourney.node.js',
		) as { Midjourney: new () => INodeType };
		const { credentials, properties } = new Midjourney().description;
		expect(credentials?.map(({ name }) => name)).toContain('exampleApi');
		const offered = properties
			.filter(({ name }) => name === 'operation')
			.flatMap(({ displayOptions, options }) =>
				(options as INodePropertyOptions[])
					.filter((option) => option.displayOptions?.show?.authentication?.includes('example'))
					.map(({ value }) => `${String(displayOptions?.show?.resource?.[0])}:${String(value)}`),
			);
		expect(offered.sort()).toEqual(['image:generate', 'task:get', 'task:wait']);
	});

	it('submits and reads', async () => {
		const { example } = createRequire(join(folder, 'x.js'))(
			'./dist/nodes/Midjourney/providers/example.js',
		) as { example: Provider };
		const sent: unknown[] = [];
		const http: Http = {
			baseUrl: 'https://api.example.com',
			account: 'account',
			callbackKey: 'key',
			webhookSecrets: [],
			async send(call) {
				sent.push(call);
				const body =
					call.method === 'POST'
						? { job: 'j1' }
						: { state: 'done', images: ['https://example.com/1.png'] };
				return { ok: true, value: { status: call.method === 'POST' ? 201 : 200, body } };
			},
		};
		const request = { kind: 'generateImage', mode: 'textToImage', prompt: 'a cup' } as const;
		const submitted = await example.submit(http, { ...request, aspectRatio: '16:9' }, 'https://c');
		expect(submitted).toEqual({ ok: true, value: 'j1' });
		expect(sent).toEqual([
			{ method: 'POST', path: '/jobs', body: { text: 'a cup --ar 16:9', hook: 'https://c' } },
		]);
		expect(await example.read(http, 'j1')).toMatchObject({
			ok: true,
			value: { taskId: 'j1', status: 'completed', outputs: [{ index: 0, type: 'image' }] },
		});
	});
});
