/* eslint-disable @n8n/community-nodes/no-restricted-imports -- reads and compiles the package, it is not a node */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import ts from 'typescript';

import { read, ROOT } from './built';

/** One step of a recipe of CONTRIBUTING.md: a new file, or a change of one. */
export interface Step {
	kind: 'ts' | 'diff';
	path: string;
	text: string;
}

/** The steps of the recipe under this heading. */
export function recipe(heading: string): Step[] {
	const [, section = ''] = read('CONTRIBUTING.md').split(`\n### ${heading}\n`);
	const [own = ''] = section.split(/\n##+ /);
	return [...own.matchAll(/^ {3}```(ts|diff) (\S+)\n([^]*?)^ {3}```/gm)].map(
		([, kind, path = '', text = '']) => ({
			kind: kind === 'ts' ? 'ts' : 'diff',
			path,
			// It stands in a list, three spaces in.
			text: text.replace(/^ {3}/gm, ''),
		}),
	);
}

/** Sources as the compiler has them, by name: most are the same in all compilations of a process. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** By which the compiler knows whether a file is another than before. */
function withVersion<T extends ts.SourceFile | undefined>(file: T, version = 'unchanged'): T {
	return file && Object.assign(file, { version });
}

/** The house as it is, checked once in a process: with a change only what that affects is checked again. */
let unchanged: ts.SemanticDiagnosticsBuilderProgram | undefined;

function compiled(
	changed: ReadonlyMap<string, string>,
	options: ts.CompilerOptions,
): ts.SemanticDiagnosticsBuilderProgram {
	const entries = [
		...['Midjourney.node.ts', 'MidjourneyTrigger.node.ts'].map(
			(node) => `nodes/Midjourney/${node}`,
		),
		...['midApi.ts', 'vtrix.ts'].map((table) => `test/wire/${table}`),
	];
	return ts.createSemanticDiagnosticsBuilderProgram(
		entries.map(fileOf),
		options,
		hostFor(changed, options),
		unchanged,
	);
}

/** Reads the house, with some files changed or new. */
function hostFor(
	changed: ReadonlyMap<string, string>,
	options: ts.CompilerOptions,
): ts.CompilerHost {
	const host = ts.createCompilerHost(options);
	return {
		...host,
		fileExists: (name) => changed.has(name) || host.fileExists(name),
		readFile: (name) => changed.get(name) ?? host.readFile(name),
		getSourceFile(name, language) {
			const text = changed.get(name);
			if (text !== undefined) {
				return withVersion(ts.createSourceFile(name, text, language), `changed ${text}`);
			}
			if (!parsed.has(name)) parsed.set(name, withVersion(host.getSourceFile(name, language)));
			return parsed.get(name);
		},
	};
}

/** A copy of the sources, to be changed, compiled and run. */
export class Copy {
	/** Holds what was compiled, in `dist`. */
	readonly folder = mkdtempSync(join(tmpdir(), 'midjourney-recipe-'));

	/** The texts that differ from those of the house, by their paths there. */
	private readonly changed = new Map<string, string>();

	constructor() {
		symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
	}

	remove(): void {
		rmSync(this.folder, { recursive: true, force: true });
	}

	/** Throws where a change finds no place for itself, or more than one. */
	apply({ kind, path, text }: Step): void {
		if (kind === 'ts') return void this.changed.set(fileOf(path), text);
		const lines = text.split('\n').filter((line) => line !== '');
		const side = (mark: string) =>
			lines
				.filter((line) => line.startsWith(' ') || line.startsWith(mark))
				.map((line) => `${line.slice(1)}\n`)
				.join('');
		this.replace(path, side('-'), side('+'));
	}

	/** The same for one text. */
	replace(path: string, before: string, after: string): void {
		const pieces = (this.changed.get(fileOf(path)) ?? read(path)).split(before);
		if (pieces.length !== 2) {
			throw new Error(`${path} holds this ${pieces.length - 1} times:\n${before}`);
		}
		this.changed.set(fileOf(path), pieces.join(after));
	}

	/** What the compiler complains about, as `file: message`; where it does not, the copy is built into `dist`. */
	compile(): string[] {
		const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile.bind(ts.sys));
		const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
		const own = { ...options, rootDir: ROOT, outDir: join(this.folder, 'dist') };
		if (!unchanged) {
			unchanged = compiled(new Map(), own);
			unchanged.getSemanticDiagnostics();
		}
		const program = compiled(this.changed, own);
		const complaints = [
			...program.getOptionsDiagnostics(),
			...program.getGlobalDiagnostics(),
			...program.getSyntacticDiagnostics(),
			...program.getSemanticDiagnostics(),
		];
		if (complaints.length === 0) program.emit();
		return complaints.map(({ file, messageText }) => {
			const name = file?.fileName.replace(fileOf('/'), '').replace('nodes/Midjourney/', '');
			return `${name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
		});
	}
}

/** As the compiler writes it. */
const fileOf = (path: string): string => join(ROOT, path).replaceAll('\\', '/');
