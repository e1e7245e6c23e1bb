/** The type and size of a file, by its bytes and not by its name. */
export interface Media {
	type: 'png' | 'jpeg' | 'webp' | 'mp4';
	/** In pixels; 0 for videos, whose size is not read. */
	width: number;
	height: number;
}

/**
 * Recognises a complete PNG, JPEG, WebP or MP4 file.
 * Throws an Error that says what is wrong with it: another format, cut off, no size.
 */
export function inspectMedia(bytes: Buffer): Media {
	const media = png(bytes) ?? jpeg(bytes) ?? webp(bytes) ?? mp4(bytes);
	if (media === undefined) {
		throw new Error(
			`neither an image nor a video: ${bytes.length} bytes that begin with ${bytes.subarray(0, 12).toString('hex')}`,
		);
	}
	if (media.type !== 'mp4' && !(media.width > 0 && media.height > 0)) {
		throw new Error(`a ${media.type} without a size`);
	}
	return media;
}

function png(bytes: Buffer): Media | undefined {
	if (bytes.subarray(0, 8).toString('latin1') !== '\x89PNG\r\n\x1a\n') return undefined;
	if (bytes.subarray(-8, -4).toString('latin1') !== 'IEND')
		throw new Error('a PNG that is cut off');
	return { type: 'png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

function jpeg(bytes: Buffer): Media | undefined {
	if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined;
	if (bytes.readUInt16BE(bytes.length - 2) !== 0xffd9) throw new Error('a JPEG that is cut off');
	for (let at = 2; at + 9 < bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
		const marker = bytes.readUInt16BE(at);
		// Any start of frame; C4, C8 and CC are tables that look like one.
		if (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) {
			return {
				type: 'jpeg',
				height: bytes.readUInt16BE(at + 5),
				width: bytes.readUInt16BE(at + 7),
			};
		}
	}
	throw new Error('a JPEG without a frame');
}

function webp(bytes: Buffer): Media | undefined {
	if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WEBP') {
		return undefined;
	}
	if (bytes.length < bytes.readUInt32LE(4) + 8) throw new Error('a WebP that is cut off');
	const kind = bytes.toString('latin1', 12, 16);
	if (kind === 'VP8X') {
		return {
			type: 'webp',
			width: bytes.readUIntLE(24, 3) + 1,
			height: bytes.readUIntLE(27, 3) + 1,
		};
	}
	if (kind === 'VP8L') {
		const size = bytes.readUInt32LE(21);
		return { type: 'webp', width: (size & 0x3fff) + 1, height: ((size >> 14) & 0x3fff) + 1 };
	}
	return {
		type: 'webp',
		width: bytes.readUInt16LE(26) & 0x3fff,
		height: bytes.readUInt16LE(28) & 0x3fff,
	};
}

function mp4(bytes: Buffer): Media | undefined {
	if (bytes.toString('latin1', 4, 8) !== 'ftyp') return undefined;
	return { type: 'mp4', width: 0, height: 0 };
}
