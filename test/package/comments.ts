import ts from 'typescript';

/**
 * The comments of a source file, each as one line of text.
 *
 * @param path its ending tells the language
 */
export function commentsOf(path: string, code: string): string[] {
	const source = ts.createSourceFile(path, code, ts.ScriptTarget.Latest, true);
	const starts = new Set<number>();
	const visit = (node: ts.Node): void => {
		starts.add(node.getFullStart());
		for (const child of node.getChildren(source)) visit(child);
	};
	visit(source);
	const ranges = [...starts].flatMap((start) => [
		...(ts.getTrailingCommentRanges(code, start) ?? []),
		...(ts.getLeadingCommentRanges(code, start) ?? []),
	]);
	const ends = new Map(ranges.map(({ pos, end }) => [pos, end]));
	const texts = [...ends].sort(([a], [b]) => a - b).map(([pos, end]) => code.slice(pos, end));
	return joined(texts).map((text) => text.replace(/\s+/g, ' ').trim());
}

/** Removes the comment marks and joins successive lines of `//` into one comment. */
function joined(texts: readonly string[]): string[] {
	const comments: string[] = [];
	let wasLine = false;
	for (const text of texts) {
		const isLine = text.startsWith('//');
		const words = isLine
			? text.slice(2)
			: text.replace(/^\/\*+|\*+\/$/g, '').replace(/^\s*\*/gm, '');
		if (isLine && wasLine) comments.push(`${comments.pop()} ${words}`);
		else comments.push(words);
		wasLine = isLine;
	}
	return comments;
}
