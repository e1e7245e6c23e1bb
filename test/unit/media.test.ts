import { fileNameOf, mediaOf } from '../../nodes/Midjourney/tasks/files/media';

const PNG = { mimeType: 'image/png', extension: 'png' };
const head = (letters: string) => Buffer.from(letters, 'latin1');

describe('The type of a file', () => {
	it.each([
		['PNG', '\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'image/png', 'png'],
		['JPEG', '\xff\xd8\xff\xe0\0\x10JFIF', 'image/jpeg', 'jpeg'],
		['WebP', 'RIFF\x24\0\0\0WEBPVP8 ', 'image/webp', 'webp'],
		['WebP with a line break in its size', 'RIFF\n\r\n\rWEBPVP8 ', 'image/webp', 'webp'],
		['GIF', 'GIF89a\x01\0\x01\0', 'image/gif', 'gif'],
		['MP4', '\0\0\0\x20ftypisom\0\0\x02\0', 'video/mp4', 'mp4'],
		['QuickTime', '\0\0\0\x14ftypqt  \0\0\0\0', 'video/quicktime', 'mov'],
		['AVIF', '\0\0\0\x1cftypavif\0\0\0\0', 'image/avif', 'avif'],
		['HEIC', '\0\0\0\x18ftypheic\0\0\0\0', 'image/heic', 'heic'],
		['HEIF', '\0\0\0\x18ftypmif1\0\0\0\0', 'image/heif', 'heif'],
		['WebM', '\x1aE\xdf\xa3\x01\0\0\0', 'video/webm', 'webm'],
	])('is recognised by its first bytes: %s', (_, letters, mimeType, extension) => {
		expect(mediaOf(head(letters))).toEqual({ mimeType, extension });
	});

	it.each([
		['nothing', ''],
		['HTML', '<!DOCTYPE html><html>'],
		['JSON', '{"code":404,"msg":"no such file"}'],
		['a Windows program', 'MZ\x90\0\x03\0\0\0'],
		['sound', 'RIFF\x24\0\0\0WAVEfmt '],
		['a PNG cut off in its mark', '\x89PNG'],
		['zeros', '\0'.repeat(16)],
	])('is no image and no video: %s', (_, letters) => {
		expect(mediaOf(head(letters))).toBeUndefined();
	});
});

describe('The name of a file', () => {
	it.each([
		['an id as providers make them', '9f0c2a77-b1e9_4d5c.8a', '9f0c2a77-b1e9_4d5c.8a_2.png'],
		['a path', '../../../../tmp/x', '_.._.._.._tmp_x_2.png'],
		['a path of Windows', '..\\..\\x', '_.._x_2.png'],
		['a hidden file', '.bashrc', 'bashrc_2.png'],
		['nothing but dots', '...', 'task_2.png'],
		['nothing', '', 'task_2.png'],
		['other letters, spaces, control characters', 'ü\0 x\n', '___x__2.png'],
		['a very long id', 'a'.repeat(500), `${'a'.repeat(100)}_2.png`],
	])('holds no path: %s', (_, taskId, name) => {
		expect(fileNameOf(taskId, 2, PNG)).toBe(name);
	});
});
