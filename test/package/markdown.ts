/** What the documents of this repository say of themselves. */

/** The texts of all headings, outside of code. */
export const headingsOf = (page: string): string[] =>
	[...withoutCode(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.trim());

/** What a link to a heading ends in, as GitHub makes it. */
export const anchorOf = (heading: string): string =>
	heading
		.toLowerCase()
		.replace(/[^\w -]/g, '')
		.replace(/ /g, '-');

/** Where the links of a page lead that stay in the repository: a file beside it (empty: the page itself) and an anchor. */
export const localLinksOf = (page: string): Array<{ file: string; anchor: string }> =>
	[...withoutCode(page).matchAll(/\]\((?!\w+:)([^)\s#]*)(?:#([^)\s]*))?\)/g)].map(
		([, file = '', anchor = '']) => ({ file, anchor }),
	);

export const withoutCode = (page: string): string => page.replace(/^\s*```[^]*?^\s*```/gm, '');

/** What stands in back quotes, outside of blocks of code. */
export const quotedIn = (page: string): string[] =>
	[...withoutCode(page).matchAll(/`([^`\n]+)`/g)].map(([, quoted = '']) => quoted);
