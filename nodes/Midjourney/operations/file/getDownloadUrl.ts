import { urlField } from '../field';
import { OF_INCOMING_ITEM } from '../fields';
import type { Operation } from '../operation';

const url = urlField({
	displayName: 'File URL',
	name: 'url',
	default: OF_INCOMING_ITEM,
	required: true,
	placeholder: 'e.g. https://example.com/result.png',
	description: 'URL of an image or video that the provider made',
});

/** File → Get Download URL (wire.md: MidAPI download links). */
export const getDownloadUrl: Operation = {
	resource: 'file',
	operation: 'getDownloadUrl',
	name: 'Get Download URL',
	action: 'Get download URL of file',
	description: 'Get a direct link to a result, valid for 20 minutes',
	fields: [url],
	does: 'query',
	needs: 'downloadUrl',
	question: (from) => {
		const file = from.get(url);
		return async (provider, http) => {
			const answer = await provider.downloadUrl?.(http, file);
			if (!answer?.ok) return answer;
			const expiresAt = new Date(Date.now() + answer.value.validForMs).toISOString();
			return { ok: true, value: { url: file, downloadUrl: answer.value.url, expiresAt } };
		};
	},
};
