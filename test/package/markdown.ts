/** Reads the structure of the documents of this repository. */

/** The texts of all headings, outside of code. */
export const headingsOf = (page: string): string[] =>
	[...withoutCode(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.trim());

/** The anchor of a heading, as GitHub makes it. */
export const anchorOf = (heading: string): string =>
	heading
		.toLowerCase()
		.replace(/[^\w -]/g, '')
		.replace(/ /g, '-');

/** The targets of a page's links within the repository: a relative file (empty: the page itself) and an anchor. */
export const localLinksOf = (page: string): Array<{ file: string; anchor: string }> =>
	[...withoutCode(page).matchAll(/\]\((?!\w+:)([^)\s#]*)(?:#([^)\s]*))?\)/g)].map(
		([, file = '', anchor = '']) => ({ file, anchor }),
	);

export const withoutCode = (page: string): string => page.replace(/^\s*```[^]*?^\s*```/gm, '');

/** The texts in back quotes, outside of code blocks. */
export const quotedIn = (page: string): string[] =>
	[...withoutCode(page).matchAll(/`([^`\n]+)`/g)].map(([, quoted = '']) => quoted);
