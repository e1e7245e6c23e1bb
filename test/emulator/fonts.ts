/* eslint-disable @n8n/community-nodes/no-restricted-imports -- the emulator is a server of its own, not a node */
import { defaultFormats, Jimp, type measureText } from 'jimp';
import { SANS_128_WHITE, SANS_16_WHITE, SANS_32_WHITE, SANS_64_WHITE } from 'jimp/fonts';
import { readFile } from 'node:fs/promises';

export type Font = Parameters<typeof measureText>[0];

/** White sans serif fonts by their height in px. */
export type Fonts = Readonly<Record<16 | 32 | 64 | 128, Font>>;

let fonts: Promise<Fonts> | undefined;

/** The fonts that jimp brings along, read at the first call. */
export async function loadFonts(): Promise<Fonts> {
	return await (fonts ??= readFonts());
}

async function readFonts(): Promise<Fonts> {
	return {
		16: await readFont(SANS_16_WHITE),
		32: await readFont(SANS_32_WHITE),
		64: await readFont(SANS_64_WHITE),
		128: await readFont(SANS_128_WHITE),
	};
}

/**
 * What jimp's loadFont does, without its dynamic imports, which jest cannot follow: the measures of all letters are in an
 * XML file, their shapes in the PNG beside it. Kerning is left out.
 */
async function readFont(file: string): Promise<Font> {
	const xml = await readFile(file, 'utf8');
	const [common = {}] = elements(xml, 'common');
	const letters = elements(xml, 'char').map(
		({ id = 0, x = 0, y = 0, width = 0, height = 0, xoffset = 0, yoffset = 0, xadvance = 0 }) => ({
			...{ id, x, y, width, height, xoffset, yoffset, xadvance },
			page: 0,
		}),
	);
	const png = defaultFormats.map((format) => format()).find(({ mime }) => mime === 'image/png');
	if (!png) throw new Error('jimp has no PNG');
	const shapes = new Jimp(await png.decode(await readFile(file.replace(/\.fnt$/, '.png'))));
	return {
		chars: Object.fromEntries(letters.map((letter) => [String.fromCharCode(letter.id), letter])),
		kernings: {},
		common: { lineHeight: common.lineHeight ?? 0 },
		info: {},
		pages: [shapes],
	};
}

/** The numbers in the attributes of every element of that name. */
function elements(xml: string, name: string): Array<Partial<Record<string, number>>> {
	return [...xml.matchAll(new RegExp(`<${name} ([^>]*)>`, 'g'))].map(([, attributes = '']) =>
		Object.fromEntries(
			[...attributes.matchAll(/(\w+)="(-?\d+)"/g)].map(([, key = '', value]) => [
				key,
				Number(value),
			]),
		),
	);
}
