import { refused, success, type Result } from '../../providers/http';
import type { Provider, Size, TaskRequest } from '../../providers/provider';
import type { Task } from '../../providers/task';
import { sizeReader, sizeUnknown, type SizeOf } from '../files/imageSize';
import type { Pictures } from '../files/pictures';
import { retryTransient } from '../retry';
import { Limiter } from '../wait/limiter';
import type { RunContext } from '../wait/runContext';
import { lacksSize, usualSize, withSize, type ForSize } from './layout';

/** How many images are checked for their size at once. */
const FILES_IN_FLIGHT = 5;

/** Free look-ups that complete a request before it is sent. */
interface Tools {
	/** Reads a task. */
	readTask(taskId: string): Promise<Result<Task>>;
	sizeOf: SizeOf;
}

/** The look-ups for the request of each item. Each question is asked once. */
export function lookUps(
	{ host, clock, account }: Pick<RunContext, 'host' | 'clock' | 'account'>,
	pictures: Pick<Pictures, 'sizeOf'>,
	read: (taskId: string) => Promise<Result<Task>>,
): (itemIndex: number) => Tools {
	const sizeOf = sizeReader(host);
	const files = new Limiter(FILES_IN_FLIGHT, clock);
	const readTask = askedOnce(
		async (taskId) =>
			await retryTransient(
				clock,
				async () => await account.reads.run(async () => await read(taskId)),
			),
	);
	const sizeOnWeb = askedOnce(
		async (url) =>
			await retryTransient(clock, async () => await files.run(async () => await sizeOf(url))),
	);
	return (itemIndex) => ({
		readTask,
		sizeOf: async (address) =>
			(await pictures.sizeOf(itemIndex, address)) ?? (await sizeOnWeb(address)),
	});
}

/** Asks once per argument; later callers get the same answer. */
function askedOnce<T>(ask: (about: string) => Promise<T>): (about: string) => Promise<T> {
	const answers = new Map<string, Promise<T>>();
	return async (about) => {
		const answer = answers.get(about) ?? ask(about);
		answers.set(about, answer);
		return await answer;
	};
}

/** Looks up everything that a request lacks. Gives the request as it is to be sent, or why it cannot be sent. */
export async function prepare(
	provider: Provider,
	request: TaskRequest,
	tools: Tools,
): Promise<Result<TaskRequest>> {
	const look = async (taskId: string) => await tools.readTask(taskId);
	const prepared = (await provider.prepare?.(request, look)) ?? success(request);
	if (!prepared.ok || !lacksSize(prepared.value)) return prepared;
	const size = await sizeFor(prepared.value, tools);
	if (!size.ok) return size;
	const sized = withSize(prepared.value, size.value);
	return 'problem' in sized
		? refused('unfitCanvas', { message: sized.problem })
		: success(sized.request);
}

/**
 * The size of the image that a request is about: that of its file, or else the usual one for the aspect
 * ratio in its prompt.
 */
async function sizeFor(request: ForSize, tools: Tools): Promise<Result<Size>> {
	if (request.kind === 'uploadPaintImage') return await tools.sizeOf(request.imageUrl);
	const { taskId, index } = request;
	if (taskId === undefined) return sizeUnknown('there is no task to read it from');
	const task = await tools.readTask(taskId);
	if (!task.ok) return task;
	const { outputs, prompt = '' } = task.value;
	const url = outputs.find((output) => output.index === index)?.url;
	const read =
		url !== undefined && URL.canParse(url)
			? await tools.sizeOf(url)
			: sizeUnknown(`task ${taskId} has no link to output ${index}`);
	const usual = read.ok ? undefined : usualSize(prompt);
	return usual ? success(usual) : read;
}
