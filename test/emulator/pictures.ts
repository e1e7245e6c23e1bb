import { intToRGBA, Jimp, loadFont, measureText, rgbaToInt } from 'jimp';
import { SANS_128_WHITE, SANS_16_WHITE, SANS_32_WHITE, SANS_64_WHITE } from 'jimp/fonts';
import type { Task } from './tasks';

type Font = Awaited<ReturnType<typeof loadFont>>;
type Picture = InstanceType<typeof Jimp>;

/** Length of the longer side in px. Every aspect ratio of the contract divides it without rest. */
const LONGER_SIDE = 768;
const LONGER_SIDE_UPSCALED = 2 * LONGER_SIDE;

/** One colour per index, apart from each other for every eye and dark enough for white letters. */
const COLOURS = [0x1f5a8cff, 0x8c3b2eff, 0x2e6e4aff, 0x6a3d85ff];

/** The PNG of one output: a large index, the prompt and where it came from, for a person to read. */
export async function drawPicture(task: Task, index: number): Promise<Buffer> {
	// An upscale is the source's picture made larger, so it keeps digit and colour of the source.
	const face = task.kind === 'upscale' && task.source ? task.source.index : index;
	const { width, height } = sizeOf(task);
	const scale = task.kind === 'upscale' ? 2 : 1;
	const [digits, large, small] = await fontsFor(scale);
	const margin = 32 * scale;
	const space = width - 2 * margin;

	const picture: Picture = new Jimp({ width, height });
	paintBackground(picture, COLOURS[face % COLOURS.length] ?? 0);

	const write = (font: Font, lines: string[], top: number) =>
		lines.forEach((text, line) =>
			picture.print({ font, x: margin, y: top + line * font.common.lineHeight, text }),
		);

	const footer = [labelOf(task), ...labelsBelow(task)].flatMap((text) =>
		wrap(small, text, space, 3),
	);
	const footerTop = height - margin - footer.length * small.common.lineHeight;
	// The digit's box is much taller than its ink.
	const promptTop = margin + Math.round(digits.common.lineHeight * 0.95);
	const room = footerTop - promptTop - margin / 2;
	const fits = (font: Font) => Math.max(1, Math.floor(room / font.common.lineHeight));
	const inLarge = wrap(large, task.prompt, space, Infinity);

	write(digits, [String(face)], Math.round(margin * 0.4));
	if (inLarge.length <= fits(large)) write(large, inLarge, promptTop);
	else write(small, wrap(small, task.prompt, space, fits(small)), promptTop);
	write(small, footer, footerTop);
	return await picture.getBuffer('image/png');
}

function labelOf(task: Task): string {
	if (task.kind === 'upscale' || task.kind === 'vary') {
		return `${task.kind} of ${task.source?.index ?? '?'} in ${task.source?.task.id ?? '?'}`;
	}
	return task.taskType;
}

function labelsBelow(task: Task): string[] {
	return [`task ${task.id}`, `${task.aspectRatio}, drawn by the emulator`];
}

function sizeOf(task: Task): { width: number; height: number } {
	const longer = task.kind === 'upscale' ? LONGER_SIDE_UPSCALED : LONGER_SIDE;
	const [across = 1, down = 1] = task.aspectRatio.split(':').map(Number);
	const unit = longer / Math.max(across, down);
	return { width: Math.round(across * unit), height: Math.round(down * unit) };
}

const loaded = new Map<string, Promise<Font>>();

async function fontsFor(scale: number): Promise<[digits: Font, large: Font, small: Font]> {
	const names =
		scale === 1
			? [SANS_128_WHITE, SANS_32_WHITE, SANS_16_WHITE]
			: [SANS_128_WHITE, SANS_64_WHITE, SANS_32_WHITE];
	const [digits, large, small] = await Promise.all(
		names.map(async (name) => {
			const font = loaded.get(name) ?? loadFont(name);
			loaded.set(name, font);
			return await font;
		}),
	);
	if (!digits || !large || !small) throw new Error('A font is missing');
	return [digits, large, small];
}

/** The colour, falling off downwards: rows of one colour each pack into few bytes. */
function paintBackground(picture: Picture, colour: number): void {
	const { r, g, b } = intToRGBA(colour);
	const { width, height, data } = picture.bitmap;
	for (let y = 0; y < height; y++) {
		const light = 1.25 - (0.75 * y) / height;
		const row = rgbaToInt(shade(r, light), shade(g, light), shade(b, light), 255);
		for (let x = 0; x < width; x++) data.writeUInt32BE(row, (y * width + x) * 4);
	}
}

function shade(channel: number, light: number): number {
	return Math.min(255, Math.round(channel * light));
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
