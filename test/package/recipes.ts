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
			// It is in a list, indented by three spaces.
			text: text.replace(/^ {3}/gm, ''),
		}),
	);
}

/** Parsed sources by name: most are the same in all compilations of a process. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** Adds the version by which the compiler knows whether a file has changed. */
function withVersion<T extends ts.SourceFile | undefined>(file: T, version = 'unchanged'): T {
	return file && Object.assign(file, { version });
}

/** The unchanged sources, checked once in a process, so that a change rechecks only what it affects. */
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

/** A compiler host for the sources with some files changed or new. */
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

/** A copy of the sources that can be changed, compiled and run. */
export class Copy {
	/** The folder that holds the compiled copy in `dist`. */
	readonly folder = mkdtempSync(join(tmpdir(), 'midjourney-recipe-'));

	/** The texts that differ from the sources, by their paths. */
	private readonly changed = new Map<string, string>();

	constructor() {
		symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
	}

	remove(): void {
		rmSync(this.folder, { recursive: true, force: true });
	}

	/** Applies a step. Throws if a change fits no place or more than one. */
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

	/** Replaces one text. Throws as `apply` does. */
	replace(path: string, before: string, after: string): void {
		const pieces = (this.changed.get(fileOf(path)) ?? read(path)).split(before);
		if (pieces.length !== 2) {
			throw new Error(`${path} holds this ${pieces.length - 1} times:\n${before}`);
		}
		this.changed.set(fileOf(path), pieces.join(after));
	}

	/** The errors of the compiler as `file: message`; without any, the copy is built into `dist`. */
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

/** A path in the form that the compiler uses. */
const fileOf = (path: string): string => join(ROOT, path).replaceAll('\\', '/');
