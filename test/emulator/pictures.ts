import { Jimp, measureText, PNGFilterType } from 'jimp';
import { type Font, loadFonts } from './fonts';
import type { Task } from './tasks';

/** What the pictures of a task show beside its prompt, so that a person sees that the right thing was asked for. */
export interface Scene {
	/** What was done, such as `upscale of image 2 of 9f0c2a`. */
	readonly label: string;
	/** The source's picture, twice as large. */
	readonly enlarged?: boolean;
	/** Where the picture lies that it was made from; what is around it is new. */
	readonly layout?: Layout;
	/** What of that picture is painted anew. */
	readonly mask?: Mask;
	/** The name of the picture that it was made from, where that is none of the emulator's own. */
	readonly from?: string;
}

export interface Size {
	readonly width: number;
	readonly height: number;
}

/** A canvas, and on it a picture; both in the same px. */
export interface Layout {
	readonly canvas: Size;
	readonly image: Size & { readonly x: number; readonly y: number };
}

/** Polygons in px of a picture of the given size (x, y, x, y …), or a black and white picture. */
export interface Mask {
	readonly areas: ReadonlyArray<Size & { readonly points: readonly number[] }>;
	readonly url?: string;
}

type Picture = InstanceType<typeof Jimp>;

/** Length of the longer side in px. Every aspect ratio of the contract divides it without rest. */
const LONGER_SIDE = 768;
const LONGER_SIDE_UPSCALED = 2 * LONGER_SIDE;

/** One colour per index, apart from each other for every eye and dark enough for white letters. */
const COLOURS = [
	[0x1f, 0x5a, 0x8c],
	[0x8c, 0x3b, 0x2e],
	[0x2e, 0x6e, 0x4a],
	[0x6a, 0x3d, 0x85],
];

/** The PNG of one output: a large index, the prompt and where it came from, for a person to read. */
export async function drawPicture(task: Task, index: number): Promise<Buffer> {
	const fonts = await loadFonts();
	// An upscale is the source's picture made larger, so it keeps digit and colour of the source.
	const { enlarged } = task.scene;
	const face = enlarged && task.source ? task.source.index : index;
	const { width, height } = sizeOf(task);
	const scale = enlarged ? 2 : 1;
	const digits = fonts[128];
	const large = fonts[scale === 1 ? 32 : 64];
	const small = fonts[scale === 1 ? 16 : 32];
	const margin = 32 * scale;
	const space = width - 2 * margin;

	const picture: Picture = new Jimp({ width, height });
	paintBackground(picture, COLOURS[face % COLOURS.length] ?? [0, 0, 0]);

	const write = (font: Font, lines: string[], top: number) =>
		lines.forEach((text, line) =>
			picture.print({ font, x: margin, y: top + line * font.common.lineHeight, text }),
		);

	const footer = [task.scene.label, ...labelsBelow(task)].flatMap((text) =>
		wrap(small, text, space, 3),
	);
	const footerTop = height - margin - footer.length * small.common.lineHeight;
	// The digit's box is much taller than its ink.
	const promptTop = margin + Math.round(digits.common.lineHeight * scale * 0.95);
	const room = footerTop - promptTop - margin / 2;
	const fits = (font: Font) => Math.max(1, Math.floor(room / font.common.lineHeight));
	const inLarge = wrap(large, task.prompt, space, Infinity);

	const digitTop = Math.round(margin * 0.4);
	if (scale === 1) write(digits, [String(face)], digitTop);
	else {
		// There is no font of more than 128 px, so the digit is drawn apart and then made larger.
		const digit: Picture = new Jimp({ width: 160, height: digits.common.lineHeight });
		digit.print({ font: digits, x: 0, y: 0, text: String(face) });
		picture.composite(digit.scale(scale), margin, digitTop);
	}

	if (inLarge.length <= fits(large)) write(large, inLarge, promptTop);
	else write(small, wrap(small, task.prompt, space, fits(small)), promptTop);
	write(small, footer, footerTop);
	// Within a row the pixels hardly change. To have the filter chosen row by row costs seconds under jest.
	return await picture.getBuffer('image/png', { filterType: PNGFilterType.SUB });
}

function labelsBelow(task: Task): string[] {
	return [`task ${task.id}`, `${task.aspectRatio}, drawn by the emulator`];
}

function sizeOf(task: Task): { width: number; height: number } {
	const longer = task.scene.enlarged ? LONGER_SIDE_UPSCALED : LONGER_SIDE;
	const [across = 1, down = 1] = task.aspectRatio.split(':').map(Number);
	const unit = longer / Math.max(across, down);
	return { width: Math.round(across * unit), height: Math.round(down * unit) };
}

/** The colour, falling off downwards: rows of one colour each pack into few bytes. */
function paintBackground(picture: Picture, colour: readonly number[]): void {
	const { width, height, data } = picture.bitmap;
	for (let y = 0; y < height; y++) {
		const light = 1.25 - (0.75 * y) / height;
		const row = Buffer.from([...colour.map((part) => Math.round(part * light)), 255]);
		data.fill(row, y * width * 4, (y + 1) * width * 4);
	}
}

/** Breaks the text into lines that fit, cutting words that are longer than a line; what is too much ends in "...". */
function wrap(font: Font, text: string, width: number, most: number): string[] {
	// The fonts know the Latin alphabets only.
	const letters = Array.from(text.replace(/\s+/g, ' ').trim(), (letter) =>
		letter === ' ' || letter in font.chars ? letter : '?',
	);
	const lines: string[] = [];
	let line = '';
	for (const letter of letters) {
		if (measureText(font, line + letter) <= width) {
			line += letter;
			continue;
		}
		const space = letter === ' ' ? line.length : line.lastIndexOf(' ');
		const end = space > 0 ? space : line.length;
		lines.push(line.slice(0, end));
		line = (line.slice(end) + letter).trimStart();
		if (lines.length > most) break;
	}
	if (line !== '') lines.push(line);
	if (lines.length <= most) return lines;
	const last = lines[most - 1] ?? '';
	return [...lines.slice(0, most - 1), `${last.slice(0, -3)}...`];
}
