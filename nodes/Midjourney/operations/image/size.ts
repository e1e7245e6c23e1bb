import type { TaskRequest } from '../../providers/provider';
import { lacksSize, LONGEST_SIDE, withSize } from '../../tasks/submit/layout';
import { integerField, onlyFor, optional, type Field } from '../field';
import type { Parameters } from '../parameters';
import { maskKind } from './mask';

/** The size of the image that canvas and mask refer to: read from its file unless entered. */

const side = (displayName: string, name: string) =>
	optional(
		integerField(
			{ min: 1, max: LONGEST_SIDE },
			{
				displayName,
				name,
				default: 1024,
				description:
					'Of the image that the canvas and mask refer to, in pixels. If empty, the size is read from the file.',
			},
		),
	);
const width = side('Image Width', 'imageWidth');
const height = side('Image Height', 'imageHeight');

type Side = Field<number | undefined>;

const sizeOf = (across: Side, down: Side) => ({
	fields: [down, across],
	/**
	 * @returns the request, complete if the size is entered
	 * @throws NodeOperationError if only one side is entered, if canvas, mask and image do not go together, or if the size
	 * cannot be found out
	 */
	into(entered: Parameters, request: TaskRequest): TaskRequest {
		const [givenWidth, givenHeight] = [entered.get(across), entered.get(down)];
		if ((givenWidth === undefined) !== (givenHeight === undefined)) {
			throw entered.reject(
				"'Image Width' and 'Image Height' go together: enter both, or clear both to read the size from the file",
			);
		}
		if (!lacksSize(request)) return request;
		if (givenWidth === undefined || givenHeight === undefined) {
			if ('index' in request && request.taskId === undefined) {
				throw entered.reject(
					"The size of the image cannot be read with a Job ID alone: enter 'Image Width' and 'Image Height' under Additional Fields, or the Task ID",
				);
			}
			return request;
		}
		const sized = withSize(request, { width: givenWidth, height: givenHeight });
		if ('problem' in sized) throw entered.reject(sized.problem);
		return sized.request;
	},
});

/** The fields of the size, and the request with it. */
export const imageSize = sizeOf(width, height);

const onAreas = (field: Side): Side => onlyFor(maskKind, ['areas', 'json'], field);

/** The same without a canvas: only areas refer to the image size. */
export const areaImageSize = sizeOf(onAreas(width), onAreas(height));
