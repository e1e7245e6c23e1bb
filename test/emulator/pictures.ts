import { Jimp, measureText, PNGFilterType } from 'jimp';
import { type Font, loadFonts } from './fonts';
import type { Task } from './tasks';

/** What the pictures of a task show beside its prompt, so that a person sees that the right thing was requested. */
export interface Scene {
	/** What was done, such as `upscale of image 2 of 9f0c2a`. */
	readonly label: string;
	/** The source's picture, twice as large. */
	readonly enlarged?: boolean;
	/** Where the source picture is placed; what is around it is new. */
	readonly layout?: Layout;
	/** The part of the source picture that is repainted. */
	readonly mask?: Mask;
	/** The name of the source picture if it is not one of the emulator's. */
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

/** Length of the longer side in px. Every documented aspect ratio divides it without rest. */
const LONGER_SIDE = 768;
const LONGER_SIDE_UPSCALED = 2 * LONGER_SIDE;
/** Leaves room for the words. */
const LONGER_SIDE_PLACED = 1.5 * LONGER_SIDE;
/** The largest size and offset, in px, of what is placed on a picture. */
const FARTHEST = 4096;
/** For any aspect ratio. */
const SHORTEST_SIDE = 96;

/** One colour per index, apart from each other for every eye and dark enough for white letters. */
const COLOURS = [
	[0x1f, 0x5a, 0x8c],
	[0x8c, 0x3b, 0x2e],
	[0x2e, 0x6e, 0x4a],
	[0x6a, 0x3d, 0x85],
];

/** Stands for a picture at somebody else's URL. */
const GREY = [0x58, 0x5c, 0x60];
const WHITE = [0xff, 0xff, 0xff];
const BLACK = [0, 0, 0];
/** For the repainted part: different from all other colours. */
const YELLOW = [0xff, 0xd2, 0x3c];

/** The PNG of one output, with a large index, the prompt and its source for a person to read. */
export async function drawPicture(task: Task, index: number): Promise<Buffer> {
	const picture = await paint(task, index);
	// Within a row the pixels hardly change. Choosing a filter row by row costs seconds under jest.
	return await picture.getBuffer('image/png', { filterType: PNGFilterType.SUB });
}

async function paint(task: Task, index: number): Promise<Picture> {
	const { layout } = task.scene;
	return layout ? await paintPlaced(task, layout, index) : await paintCard(task, index);
}

/** Text on a colour; in a corner what it was made from. */
async function paintCard(task: Task, index: number): Promise<Picture> {
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
	paintBackground(picture, colourOf(face));

	const footer = footerOf(task).flatMap((text) => wrap(small, text, space, 3));
	const footerTop = height - margin - footer.length * small.common.lineHeight;
	// The digit's box is much taller than its ink.
	const promptTop = margin + Math.round(digits.common.lineHeight * scale * 0.95);
	const room = footerTop - promptTop - margin / 2;
	const fits = (font: Font) => Math.max(1, Math.floor(room / font.common.lineHeight));
	const inLarge = wrap(large, task.prompt, space, Infinity);

	const digitTop = Math.round(margin * 0.4);
	if (scale === 1) write(picture, digits, [String(face)], margin, digitTop);
	else {
		// There is no font above 128 px, so the digit is drawn separately and then enlarged.
		const digit: Picture = new Jimp({ width: 160, height: digits.common.lineHeight });
		digit.print({ font: digits, x: 0, y: 0, text: String(face) });
		picture.composite(digit.scale(scale), margin, digitTop);
	}

	const base = enlarged ? undefined : await paintBase(task);
	if (base) {
		// In the corner opposite of the digit, as high as that.
		const most = { width: width - 2 * margin - 100, height: promptTop - margin };
		const factor = Math.min(most.width / base.width, most.height / base.height);
		const size = {
			width: Math.round(base.width * factor),
			height: Math.round(base.height * factor),
		};
		const corner = { ...size, x: width - margin - size.width, y: margin };
		lay(picture, base, corner);
		frame(picture, corner, 2);
	}

	if (inLarge.length <= fits(large)) write(picture, large, inLarge, margin, promptTop);
	else write(picture, small, wrap(small, task.prompt, space, fits(small)), margin, promptTop);
	write(picture, small, footer, margin, footerTop);
	return picture;
}

/** A canvas of this output's colour, what it was made from in its place on it, and the words over both. */
async function paintPlaced(task: Task, { canvas, image }: Layout, index: number): Promise<Picture> {
	const fonts = await loadFonts();
	const { width, height } = sizeOf(task);
	const picture: Picture = new Jimp({ width, height });
	paintBackground(picture, colourOf(index));

	const unit = width / canvas.width;
	// No page names limits. What lies far outside must not cost time and memory.
	const within = (length: number, least: number) =>
		Math.min(Math.max(Math.round(length * unit), least), FARTHEST);
	const place: Rectangle = {
		x: within(image.x, -FARTHEST),
		y: within(image.y, -FARTHEST),
		width: within(image.width, 1),
		height: within(image.height, 1),
	};
	const base = (await paintBase(task)) ?? plate(image, 'a picture', fonts[32]);
	lay(picture, base, place);
	frame(picture, place, 3);
	for (const area of task.scene.mask?.areas ?? []) hatch(picture, onto(area, place));

	const digit = { x: 0, y: 0, width: 72, height: 80 };
	shade(picture, digit);
	write(picture, fonts[64], [String(index)], 18, 4);

	const margin = 16;
	const space = width - 2 * margin;
	const small = fonts[16];
	const inLarge = wrap(fonts[32], task.prompt, space, Infinity);
	const [font, prompt] =
		inLarge.length === 1 ? [fonts[32], inLarge] : [small, wrap(small, task.prompt, space, 4)];
	const footer = footerOf(task).flatMap((text) => wrap(small, text, space, 2));
	const footerTop = height - footer.length * small.common.lineHeight - margin;
	const top = footerTop - prompt.length * font.common.lineHeight - margin / 2;
	shade(picture, { x: 0, y: top - margin / 2, width, height: height - top + margin / 2 });
	write(picture, font, prompt, margin, top);
	write(picture, small, footer, margin, footerTop);
	return picture;
}

/** What the output was made from: another output, or a plate in place of the picture of somebody else. */
async function paintBase({ source, scene }: Task): Promise<Picture | undefined> {
	if (source) return await paint(source.task, source.index);
	if (scene.from === undefined) return undefined;
	const size = scene.layout?.image ?? { width: 1, height: 1 };
	return plate(size, scene.from, (await loadFonts())[32]);
}

function plate({ width, height }: Size, name: string, font: Font): Picture {
	const unit = 512 / Math.max(width, height);
	const least = font.common.lineHeight;
	const picture: Picture = new Jimp({
		width: Math.max(least, Math.round(width * unit)),
		height: Math.max(least, Math.round(height * unit)),
	});
	paintBackground(picture, GREY);
	const lines = wrap(font, name, picture.width - 2 * 16, 3);
	write(picture, font, lines, 16, Math.max(0, picture.height / 2 - least));
	return picture;
}

function footerOf({ scene, id, jobId, aspectRatio }: Task): string[] {
	const { label, mask } = scene;
	const [across = 1, down = 1] = aspectRatio.split(':').map((side) => Math.round(Number(side)));
	return [
		label,
		...(mask?.url === undefined ? [] : [`mask ${mask.url}`]),
		jobId === undefined ? `task ${id}` : `task ${id}, job ${jobId}`,
		`${across}:${down}, drawn by the emulator`,
	];
}

function colourOf(index: number): readonly number[] {
	return COLOURS[index % COLOURS.length] ?? BLACK;
}

function write(picture: Picture, font: Font, lines: string[], x: number, top: number): void {
	for (const [line, text] of lines.entries()) {
		picture.print({ font, x, y: top + line * font.common.lineHeight, text });
	}
}

type Rectangle = Layout['image'];
/** x, y */
type Point = readonly [number, number];

/** The corners of a mask's area, in px of the picture that its image is placed on. */
function onto(area: Mask['areas'][number], place: Rectangle): Point[] {
	const within = (part: number) => Math.min(Math.max(part, -1), 2);
	return Array.from({ length: area.points.length / 2 }, (_, at): Point => {
		const [x = 0, y = 0] = area.points.slice(2 * at, 2 * at + 2);
		return [
			place.x + within(x / area.width) * place.width,
			place.y + within(y / area.height) * place.height,
		];
	});
}

// What follows goes over pixels by the hundred thousand, and jest makes every call and every global expensive:
// jimp's own ways to do it take seconds there.

/** Lays a picture on another, made as large as the place for it; what lies outside is cut off. */
function lay(picture: Picture, base: Picture, place: Rectangle): void {
	const { data, width } = picture.bitmap;
	const from = base.bitmap;
	const { left, right, top, bottom } = visible(picture, place);
	const [across, down] = [from.width / place.width, from.height / place.height];
	for (let y = top; y < bottom; y++) {
		const firstRow = ((y - place.y) * down) | 0;
		const pastRow = Math.max(firstRow + 1, ((y + 1 - place.y) * down) | 0);
		for (let x = left; x < right; x++) {
			const first = ((x - place.x) * across) | 0;
			let past = ((x + 1 - place.x) * across) | 0;
			if (past <= first) past = first + 1;
			// The mean of all pixels that come to lie on this one, so that small letters stay letters.
			let [red, green, blue, count] = [0, 0, 0, 0];
			for (let row = firstRow; row < pastRow; row++) {
				for (let column = first; column < past; column++) {
					const at = (row * from.width + column) * 4;
					red += from.data[at] ?? 0;
					green += from.data[at + 1] ?? 0;
					blue += from.data[at + 2] ?? 0;
					count++;
				}
			}
			const at = (y * width + x) * 4;
			data[at] = red / count;
			data[at + 1] = green / count;
			data[at + 2] = blue / count;
		}
	}
}

/** Stripes over a polygon, and its outline. */
function hatch(picture: Picture, corners: readonly Point[]): void {
	const sides = corners.map((from, at) => ({
		from,
		to: corners[(at + 1) % corners.length] ?? from,
	}));
	for (let y = 0; y < picture.height; y++) {
		// A row enters and leaves the polygon where it crosses a side.
		const crossings = sides
			.filter(({ from, to }) => from[1] <= y !== to[1] <= y)
			.map(({ from, to }) => from[0] + ((y - from[1]) / (to[1] - from[1])) * (to[0] - from[0]))
			.sort((a, b) => a - b);
		for (let at = 0; at + 1 < crossings.length; at += 2) {
			const [enters = 0, leaves = 0] = crossings.slice(at, at + 2).map(Math.round);
			tint(picture, { x: enters, y, width: leaves - enters, height: 1 }, YELLOW, 0.18);
			for (let x = enters - ((enters + y) % 16); x < leaves; x += 16) {
				const left = Math.max(x, enters);
				const right = Math.min(x + 4, leaves);
				tint(picture, { x: left, y, width: right - left, height: 1 }, YELLOW, 0.8);
			}
		}
	}
	for (const { from, to } of sides) {
		const steps = Math.ceil(Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]), 1));
		for (let step = 0; step <= steps; step++) {
			const x = Math.round(from[0] + ((to[0] - from[0]) * step) / steps);
			const y = Math.round(from[1] + ((to[1] - from[1]) * step) / steps);
			tint(picture, { x: x - 1, y: y - 1, width: 3, height: 3 }, YELLOW, 1);
		}
	}
}

/** Darkens, so that white letters can be read on anything. */
function shade(picture: Picture, place: Rectangle): void {
	tint(picture, place, BLACK, 0.88);
}

/** A line around, that much inside. */
function frame(picture: Picture, place: Rectangle, thickness: number): void {
	const { x, y, width, height } = place;
	const across = { x, width, height: thickness };
	const down = { y, height, width: thickness };
	for (const side of [
		{ ...across, y },
		{ ...across, y: y + height - thickness },
		{ ...down, x },
		{ ...down, x: x + width - thickness },
	]) {
		tint(picture, side, WHITE, 1);
	}
}

/** Lays a colour over a rectangle: `cover` 0 leaves what is there, 1 hides it. */
function tint(
	picture: Picture,
	place: Rectangle,
	[red = 0, green = 0, blue = 0]: readonly number[],
	cover: number,
): void {
	const { data, width } = picture.bitmap;
	const { left, right, top, bottom } = visible(picture, place);
	const rest = 1 - cover;
	for (let y = top; y < bottom; y++) {
		const end = (y * width + right) * 4;
		for (let at = (y * width + left) * 4; at < end; at += 4) {
			data[at] = (data[at] ?? 0) * rest + red * cover;
			data[at + 1] = (data[at + 1] ?? 0) * rest + green * cover;
			data[at + 2] = (data[at + 2] ?? 0) * rest + blue * cover;
		}
	}
}

/** The part of a rectangle that lies on the picture, in whole px. */
function visible(
	picture: Picture,
	{ x, y, width, height }: Rectangle,
): { left: number; right: number; top: number; bottom: number } {
	return {
		left: Math.max(0, Math.round(x)),
		right: Math.min(picture.width, Math.round(x + width)),
		top: Math.max(0, Math.round(y)),
		bottom: Math.min(picture.height, Math.round(y + height)),
	};
}

function sizeOf(task: Task): { width: number; height: number } {
	const { enlarged, layout } = task.scene;
	const longer = enlarged ? LONGER_SIDE_UPSCALED : layout ? LONGER_SIDE_PLACED : LONGER_SIDE;
	const [across = 1, down = 1] = task.aspectRatio.split(':').map(Number);
	const unit = longer / Math.max(across, down);
	const side = (part: number) => Math.max(SHORTEST_SIDE, Math.round(part * unit));
	return { width: side(across), height: side(down) };
}

/** The colour, darker towards the bottom: rows of one colour each compress well. */
function paintBackground(picture: Picture, colour: readonly number[]): void {
	const { width, height, data } = picture.bitmap;
	for (let y = 0; y < height; y++) {
		const light = 1.25 - (0.75 * y) / height;
		const row = Buffer.from([...colour.map((part) => Math.round(part * light)), 255]);
		data.fill(row, y * width * 4, (y + 1) * width * 4);
	}
}

/** Breaks the text into lines that fit, cuts words longer than a line, and ends an overlong text with "...". */
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
