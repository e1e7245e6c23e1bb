import { getCredits } from './account/getCredits';
import { getDownloadUrl } from './file/getDownloadUrl';
import { editImage } from './image/edit';
import { generateImage } from './image/generate';
import { inpaintImage } from './image/inpaint';
import { outpaintImage } from './image/outpaint';
import { remixImage } from './image/remix';
import { retextureImage } from './image/retexture';
import { uploadPaintImage } from './image/uploadPaint';
import { upscaleImage } from './image/upscale';
import { varyImage } from './image/vary';
import { runModel } from './model/run';
import type { Operation } from './operation';
import { getTask } from './task/get';
import { waitForTasks } from './task/wait';
import { extendVideo } from './video/extend';
import { generateVideo } from './video/generate';

/** The one table of operations; panel, dispatch, README and tests are derived from it. */
export const operations: readonly Operation[] = [
	generateImage,
	upscaleImage,
	varyImage,
	editImage,
	remixImage,
	inpaintImage,
	outpaintImage,
	uploadPaintImage,
	retextureImage,
	generateVideo,
	extendVideo,
	getTask,
	waitForTasks,
	runModel,
	getCredits,
	getDownloadUrl,
];
