import { createHash } from 'node:crypto';
import type { Clock } from './clock';
import type { Answer, Call } from './faults';
import type { Ledger } from './ledger';
import { isAuthorized } from './provider';

const PATH = '/api/file-stream-upload';

/** The files that were uploaded (wire.md: MidAPI file upload): taken with the key, served to everybody. */
export class Uploads {
	private readonly files = new Map<string, { body: Buffer; type: string }>();

	constructor(
		private readonly baseUrl: () => string,
		private readonly apiKeys: readonly string[],
		private readonly clock: Clock,
		private readonly ledger: Ledger,
	) {}

	/** Takes a file or serves one; undefined for any other call. */
	async answer(call: Call): Promise<Answer | undefined> {
		const { method, path } = call;
		if (method === 'POST' && path === PATH) return await this.take(call);
		const file = method === 'GET' ? this.files.get(path) : undefined;
		return file && { status: 200, headers: { 'content-type': file.type }, body: file.body };
	}

	private async take(call: Call): Promise<Answer> {
		if (!isAuthorized(call, this.apiKeys))
			return refusal(401, 'You do not have access permissions');
		const form = await formIn(call);
		const file = form?.get('file');
		const uploadPath = form?.get('uploadPath');
		if (!(file instanceof Blob)) return refusal(400, 'file is required');
		if (typeof uploadPath !== 'string' || uploadPath === '') {
			return refusal(400, 'uploadPath is required');
		}
		const fileName = String(form?.get('fileName') ?? file.name);
		const body = Buffer.from(await file.arrayBuffer());
		const path = `/uploads/${encodeURI(uploadPath)}/${encodeURIComponent(fileName)}`;
		this.files.set(path, { body, type: file.type });
		const at = this.clock.now();
		this.ledger.uploads.push({ fileName, mimeType: file.type, ...digestOf(body), at });
		return {
			status: 200,
			body: {
				success: true,
				code: 200,
				msg: 'File uploaded successfully',
				data: {
					fileName,
					filePath: `${uploadPath}/${fileName}`,
					downloadUrl: `${this.baseUrl()}${path}`,
					fileSize: body.length,
					mimeType: file.type,
					uploadedAt: new Date(at).toISOString(),
				},
			},
		};
	}
}

/** By what the content of a file is known. */
export const digestOf = (body: Buffer): { bytes: number; sha256: string } => ({
	bytes: body.length,
	sha256: createHash('sha256').update(body).digest('hex'),
});

/** This family's envelope, as its upload host writes it. */
const refusal = (code: number, msg: string): Answer => ({
	status: 200,
	body: { success: false, code, msg, data: null },
});

/** The fields of a form with files; undefined when the call brings none. */
async function formIn({ body, headers }: Call): Promise<FormData | undefined> {
	const type = headers['content-type'] ?? '';
	if (!Buffer.isBuffer(body) || !type.startsWith('multipart/form-data')) return undefined;
	try {
		return await new Response(new Uint8Array(body), {
			headers: { 'content-type': type },
		}).formData();
	} catch {
		return undefined;
	}
}
