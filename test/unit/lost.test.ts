import { addressOfField } from '../../nodes/Midjourney/providers/images';
import type { Task } from '../../nodes/Midjourney/providers/task';
import { isTaskOf } from '../../nodes/Midjourney/tasks/wait/lost';

const task = (prompt: string): Task => ({
	provider: 'vtrix',
	taskId: 't',
	status: 'running',
	outputs: [],
	prompt,
	raw: {},
});

describe('A task is that of a lost submit by its prompt', () => {
	const data = addressOfField('data') ?? '';
	it.each<[string, string, string, boolean]>([
		['the same', 'a cup --ar 1:1', 'a cup', true],
		['other white space', 'a  cup', 'a cup', true],
		['another one', 'a cup', 'a bowl', false],
		[
			'a picture of the item, which has a URL now',
			`${data} a cup`,
			'https://n8n.example.com/x a cup',
			true,
		],
		[
			'a picture of the item, and another text',
			`${data} a cup`,
			'https://n8n.example.com/x a bowl',
			false,
		],
		['a picture of the item, and none', `${data} a cup`, 'a cup', false],
		['a picture on the web', 'https://a.example/1 a cup', 'https://a.example/2 a cup', false],
		['a word in place of the picture', `${data} a cup`, 'the a cup', false],
		['what begins like a picture of the item', 'binary:% a cup', 'binary:% a cup', true],
	])('%s', (_, prompt, told, isIt) => {
		expect(isTaskOf({ asked: { prompt }, since: 0 }, task(told), [])).toBe(isIt);
	});
});
