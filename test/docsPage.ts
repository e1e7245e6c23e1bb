/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- writes a page of the docs, it is not a node */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A page of the docs with tables that a command makes. */
export class DocsPage {
	private readonly file: string;

	/**
	 * @param name of its file under `docs`
	 * @param command that makes the tables
	 */
	constructor(
		private readonly name: string,
		private readonly command: string,
	) {
		this.file = join(__dirname, '../docs', name);
	}

	/** The text between the marks of a section; undefined without them. */
	section(name: string): string | undefined {
		const [begin, end] = this.marks(name);
		return this.text().split(begin)[1]?.split(end)[0]?.trim();
	}

	/** The cells of the table in a section, without its head and rule. */
	rows(section: string): string[][] {
		return (this.section(section) ?? '')
			.split('\n')
			.filter((line) => line.startsWith('|'))
			.slice(2)
			.map((line) =>
				line
					.split('|')
					.slice(1, -1)
					.map((cell) => cell.trim()),
			);
	}

	/** Replaces the text between the marks of a section. Throws if the page has no such marks. */
	write(section: string, text: string): void {
		const [begin, end] = this.marks(section);
		const [before, rest] = this.text().split(begin);
		const after = rest?.split(end)[1];
		if (after === undefined) throw new Error(`docs/${this.name} has no place for ${section}`);
		writeFileSync(this.file, `${before}${begin}\n\n${text}\n\n${end}${after}`);
	}

	private text(): string {
		return readFileSync(this.file, 'utf8');
	}

	private marks(section: string): readonly [string, string] {
		return [`<!-- ${section}: made by ${this.command} -->`, `<!-- /${section} -->`];
	}
}

/**
 * A table as Markdown, in columns of one width, as prettier would have it: the first ones to the left, the others to the
 * right.
 */
export function inColumns(rows: readonly string[][], toTheLeft = 1): string {
	const widths = (rows[0] ?? []).map((_, at) =>
		Math.max(3, ...rows.map((row) => row[at]?.length ?? 0)),
	);
	const line = (cells: readonly string[]) =>
		`| ${cells.map((cell, at) => (at < toTheLeft ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`;
	const [head = [], ...body] = rows;
	const rule = `| ${widths.map((width, at) => (at < toTheLeft ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
	return [line(head), rule, ...body.map(line)].join('\n');
}
