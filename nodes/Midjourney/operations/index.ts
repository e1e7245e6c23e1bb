import { getCredits } from './account/getCredits';
import { getDownloadUrl } from './file/getDownloadUrl';
import { generateImage } from './image/generate';
import { upscaleImage } from './image/upscale';
import { varyImage } from './image/vary';
import type { Operation } from './Operation';
import { getTask } from './task/get';
import { waitForTasks } from './task/wait';
import { extendVideo } from './video/extend';
import { generateVideo } from './video/generate';

/** The one table of operations: the panel, the dispatch, the README and the tests are made from it. */
export const operations: readonly Operation[] = [
	generateImage,
	upscaleImage,
	varyImage,
	generateVideo,
	extendVideo,
	getTask,
	waitForTasks,
	getCredits,
	getDownloadUrl,
];
