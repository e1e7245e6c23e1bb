/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/require-node-api-error -- drives a browser, it is not a node */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { errors, type Locator, type Page } from 'playwright-core';

import type { Login } from '../n8n/client';
import { until } from '../n8n/until';
import type { Workflow } from '../n8n/workflows';

/** The time limit of a user's step, in ms: none takes longer unless something is broken, even on a busy machine. */
const STEP_MS = 30_000;

/** An entry of the list of nodes. */
export interface FoundNode {
	name: string;
	description: string;
}

/** A field of the panel with choices, and the choice that is shown. */
export interface Choice {
	/** The name of the parameter. */
	parameter: string;
	shown: string;
}

/** What the panel shows of a node's parameters. */
export interface Panel {
	/** All visible text, with the values of the fields. */
	text: string;
	/** The label of each field, from top to bottom. */
	labels: string[];
	choices: Choice[];
	/** The parameters with the red mark. */
	marked: string[];
}

/** The input of a parameter. */
const PARAMETER = '.parameter-value-container[data-test-id^="parameter-input-"]';

/** An entry of an open list. */
const LISTED = '.el-select-dropdown__item:visible';

/** A collection of fields, with its title. */
const COLLECTION = '.multi-parameter';

/** The control that adds a field to a collection. */
const ADD = '[data-test-id="collection-parameter-add"]:visible';

const nameOf = async (field: Locator): Promise<string> =>
	((await field.getAttribute('data-test-id')) ?? '').replace('parameter-input-', '');

const byTestId = (id: string) => `[data-test-id="${id}"]`;

const titleOf = async (collection: Locator): Promise<string> => {
	const title = collection.locator(`${byTestId('input-label')} label`).first();
	return (await title.innerText()).split('\n')[0]?.trim() ?? '';
};

/**
 * n8n's editor in a browser, used by clicking and typing. Every method throws an Error that says what it waited for, and
 * where the picture of that moment is, when it has waited in vain.
 */
export class Editor {
	/** The number of clicks. */
	clicks = 0;

	constructor(
		readonly page: Page,
		private readonly url: string,
	) {
		page.setDefaultTimeout(STEP_MS);
	}

	/** The open panel of a node. */
	get panel(): Locator {
		return this.page.locator(byTestId('ndv'));
	}

	/** How many fields of the open panel have the button that leaves them to the model of an agent. */
	async buttonsForModel(): Promise<number> {
		return await this.panel.locator(byTestId('from-ai-override-button')).count();
	}

	/** The output of the node in the open panel. */
	get output(): Locator {
		return this.panel.locator(byTestId('output-panel'));
	}

	private get parameters(): Locator {
		return this.panel.locator(byTestId('node-parameters'));
	}

	async signIn({ email, password }: Login): Promise<void> {
		await this.go('the page to sign in', '/signin');
		await this.write('the field for the address', 'input[name=emailOrLdapLoginId]', email);
		await this.write('the field for the password', 'input[name=password]', password);
		await this.click('"Sign in"', byTestId('form-submit-button'));
		await this.step('the first page', async () => await this.page.waitForURL(/home|workflow/));
	}

	/** Opens a new workflow with an empty canvas. */
	async newWorkflow(): Promise<void> {
		await this.go('a new workflow', '/workflow/new');
		await this.see('"Add first step"', byTestId('canvas-add-button'));
	}

	/** Opens an imported workflow. */
	async openWorkflow(id: string): Promise<void> {
		await this.go('a workflow', `/workflow/${id}`);
		await this.see('a node', byTestId('canvas-node'));
	}

	/** Searches the open list of nodes; gives the entries, best first. */
	async search(words: string): Promise<FoundNode[]> {
		const field = this.page.locator('input[placeholder*=Search]').first();
		await this.write('the search', field, words);
		const names = this.page.locator(byTestId('node-creator-item-name'));
		const none = this.page.locator(byTestId('node-creator-no-results'));
		await this.see(`an answer to "${words}"`, names.or(none).first());
		// The list follows the words after a moment. Until then it shows the entries for the previous ones.
		let before: FoundNode[] | undefined;
		return await this.until(`the answer to "${words}" stays as it is`, async () => {
			await this.page.waitForTimeout(200);
			const found = await this.listed();
			const stays = JSON.stringify(found) === JSON.stringify(before);
			before = found;
			return stays ? found : undefined;
		});
	}

	private async listed(): Promise<FoundNode[]> {
		const entries = await this.page.locator(byTestId('item-iterator-item')).allInnerTexts();
		return entries.map((entry) => {
			const [name = '', description = ''] = entry.split('\n').filter((line) => line.trim() !== '');
			return { name, description };
		});
	}

	/** Opens the list of nodes on an empty canvas. */
	async addFirstStep(): Promise<void> {
		await this.click('"Add first step"', byTestId('canvas-add-button'));
	}

	/** Picks an entry of a list in the panel of nodes: a node, or one of its actions. */
	async pick(name: string): Promise<void> {
		const entries = this.page.locator(byTestId('item-iterator-item'));
		await this.click(
			`"${name}" in the list`,
			entries.filter({ has: this.page.getByText(name, { exact: true }) }).first(),
		);
	}

	/** Shows the actions of the node whose details are open, if they are folded. */
	async unfoldActions(): Promise<void> {
		const title = this.page.getByText(/^Actions \(/);
		const action = this.page.locator(`${byTestId('item-iterator-item')}:below(:text("Actions ("))`);
		await this.see('the list of actions', title);
		await action
			.first()
			.waitFor({ timeout: 1000 })
			.catch(() => undefined);
		if ((await action.count()) === 0) await this.click('"Actions"', title);
	}

	/** Opens the panel of a node on the canvas. */
	async open(node: string): Promise<void> {
		const on = this.page.locator(`${byTestId('canvas-node')}[data-node-name="${node}"]`);
		await this.step(`the node "${node}"`, async () => await on.dblclick());
		await this.see(`the panel of "${node}"`, this.parameters);
	}

	async closePanel(): Promise<void> {
		await this.click('the cross of the panel', this.panel.locator(byTestId('ndv-close-button')));
	}

	/** A field of the open panel. */
	field(parameter: string): Locator {
		return this.parameters.locator(byTestId(`parameter-input-${parameter}`));
	}

	/** Types into a text field. */
	async enter(parameter: string, content: string): Promise<void> {
		await this.write(
			`the field "${parameter}"`,
			this.field(parameter).locator('textarea, input').first(),
			content,
		);
	}

	/** The choices of a field, in order. */
	async choices(parameter: string): Promise<string[]> {
		const listed = await this.unfold(parameter);
		const names = (await listed.allInnerTexts()).map((option) => option.split('\n')[0] ?? '');
		await this.page.keyboard.press('Escape');
		await this.folded();
		// n8n adds it to every node with a credential.
		return names.filter((name) => name !== 'Custom API Call');
	}

	/** Selects a choice in a field unless it is selected already. */
	async choose(parameter: string, name: string): Promise<void> {
		const field = this.field(parameter).locator('input').first();
		await this.see(`the field "${parameter}"`, field);
		if ((await field.inputValue()) === name) return;
		const listed = await this.unfold(parameter);
		await this.click(
			`"${name}" in "${parameter}"`,
			listed.filter({ has: this.page.getByText(name, { exact: true }) }).first(),
		);
		await this.until(`"${name}" is chosen in "${parameter}"`, async () =>
			(await field.inputValue()) === name ? true : undefined,
		);
		await this.folded();
	}

	/** Waits until no list is open: a list closes slowly, and would be taken for the next one. */
	private async folded(): Promise<void> {
		const listed = this.page.locator(LISTED).first();
		await this.step('the list is closed', async () => await listed.waitFor({ state: 'hidden' }));
	}

	/** Opens the list of a field and gives its entries. */
	private async unfold(parameter: string): Promise<Locator> {
		await this.click(`the field "${parameter}"`, this.field(parameter).locator('input').first());
		const listed = this.page.locator(LISTED);
		await this.see(`the choices of "${parameter}"`, listed.first());
		return listed;
	}

	/** Reads what the open panel shows of the parameters. */
	async readPanel(): Promise<Panel> {
		return await this.step('the parameters', async () => {
			const fields = this.parameters.locator('input:visible, textarea:visible');
			const written = await Promise.all(
				(await fields.all()).map(async (one) => await one.inputValue()),
			);
			const labels = this.parameters.locator(`${byTestId('input-label')} label:visible`);
			const choosing = this.parameters
				.locator(`${PARAMETER}:visible`)
				.filter({ has: this.page.locator('.el-select input') });
			const marked = this.parameters
				.locator(`${PARAMETER}:visible`)
				.filter({ has: this.page.locator(byTestId('parameter-issues')) });
			return {
				text: [await this.parameters.innerText(), ...written].join('\n'),
				labels: (await labels.allInnerTexts()).map((label) => label.split('\n')[0]?.trim() ?? ''),
				choices: await Promise.all(
					(await choosing.all()).map(async (one) => ({
						parameter: await nameOf(one),
						shown: await one.locator('input').first().inputValue(),
					})),
				),
				marked: await Promise.all((await marked.all()).map(nameOf)),
			};
		});
	}

	/** The fields that can be added to each collection of the open panel, in order, by the title of the collection. */
	async addable(): Promise<Map<string, string[]>> {
		const lists = new Map<string, string[]>();
		for (const collection of await this.parameters.locator(COLLECTION).all()) {
			// A collection with a single field has a button and no list.
			const adding = collection.locator(ADD).filter({ has: this.page.locator('input') });
			if ((await adding.count()) === 0) continue;
			const listed = await this.unfoldAdding(adding);
			lists.set(await titleOf(collection), await listed.allInnerTexts());
			await this.page.keyboard.press('Escape');
			await this.folded();
		}
		return lists;
	}

	/** Adds a field to a collection of the open panel. */
	async add(collection: string, label: string): Promise<void> {
		const labels = this.parameters.locator(`${byTestId('input-label')}:visible`);
		const before = await labels.count();
		const to = await this.until(`the collection "${collection}"`, async () => {
			for (const one of await this.parameters.locator(COLLECTION).all()) {
				if ((await titleOf(one)) === collection) return one;
			}
			return undefined;
		});
		const listed = await this.unfoldAdding(to.locator(ADD));
		await this.click(
			`"${label}"`,
			listed.filter({ has: this.page.getByText(label, { exact: true }) }).first(),
		);
		await this.until(`"${label}" is added`, async () =>
			(await labels.count()) > before ? true : undefined,
		);
		await this.folded();
	}

	/** Opens the list of what can be added to a collection and gives its entries. */
	private async unfoldAdding(adding: Locator): Promise<Locator> {
		await this.click('the list of what can be added', adding);
		const listed = this.page.locator(LISTED);
		await this.see('what can be added', listed.first());
		return listed;
	}

	/** "Execute step" in the open panel. */
	async execute(): Promise<void> {
		await this.click('"Execute step"', this.panel.locator(byTestId('node-execute-button')));
	}

	/** Clicks "View" beside a file in the output; gives the size of the picture that is shown, in its own pixels. */
	async view(): Promise<{ width: number; height: number }> {
		await this.click('"View"', this.output.locator(byTestId('ndv-view-binary-data')).first());
		const image = this.output.locator('img').first();
		await this.see('the picture', image);
		return await this.until('the picture is there', async () => {
			const size = await image.evaluate(
				(element: { naturalWidth?: number; naturalHeight?: number }) => ({
					width: element.naturalWidth ?? 0,
					height: element.naturalHeight ?? 0,
				}),
			);
			return size.width > 0 ? size : undefined;
		});
	}

	/** The test URL in the open panel of a trigger. */
	async testUrl(): Promise<string> {
		await this.click('"Webhook URLs"', this.panel.getByText('Webhook URLs', { exact: true }));
		const url = this.panel.getByText('/webhook-test/').first();
		await this.see('the test URL', url);
		return (await url.innerText()).trim();
	}

	/** "Execute step" in the open panel of a trigger, which then listens. */
	async listen(): Promise<void> {
		await this.click('"Execute step"', this.panel.locator(byTestId('trigger-execute-button')));
		await this.see('the listening', this.panel.getByText('Listening for test event'));
	}

	/** The open credential. */
	get credential(): Locator {
		return this.page.locator(byTestId('editCredential-modal'));
	}

	/** Opens a credential in the list of credentials; n8n tests it at once. */
	async openCredential(name: string): Promise<void> {
		await this.go('the credentials', '/home/credentials');
		await this.click(
			`the credential "${name}"`,
			this.page.getByText(name, { exact: true }).first(),
		);
		await this.see('the credential', this.credential);
	}

	/** Changes fields of the open credential and saves it; n8n tests it again. */
	async saveCredential(fields: Record<string, string>): Promise<void> {
		for (const [name, content] of Object.entries(fields)) {
			const field = this.credential.locator(`${byTestId(`parameter-input-${name}`)} input`).first();
			await this.write(`the field "${name}"`, field, content);
		}
		await this.click('"Save"', this.credential.locator(byTestId('credential-save-button')));
		await this.see('"Saved"', this.credential.getByText('Saved', { exact: true }));
	}

	/** Waits until the open credential shows a failed test with this reason; gives the text that it shows. */
	async seeWhyNot(reason: RegExp): Promise<string> {
		const failed = this.credential.getByText('Couldn’t connect with these settings');
		await this.see('the red answer', failed);
		const details = this.credential.getByText('More details');
		const why = this.credential.getByText(reason);
		await this.see(`${String(reason)} in the red answer`, details.or(why));
		// Once the details are open they stay open.
		if (await details.isVisible()) await this.click('"More details"', details);
		await this.see(`${String(reason)} in the red answer`, why);
		const words = await this.step('the words', async () => await why.first().innerText());
		return words.replace(/\s+/g, ' ').trim();
	}

	/** The error in the output of the open panel. */
	async error(): Promise<string> {
		await this.see('an error', this.output.locator(byTestId('node-error-message')));
		return await this.step('the error', async () => await this.output.innerText());
	}

	/** "Execute workflow" on the canvas. */
	async executeWorkflow(): Promise<void> {
		await this.click('"Execute workflow"', byTestId('execute-workflow-button'));
	}

	/** Shows the output of the open panel as JSON; gives the visible text. */
	async json(): Promise<string> {
		await this.click('"JSON"', this.output.locator(byTestId('radio-button-json')));
		const shown = this.output.locator(byTestId('ndv-data-container'));
		await this.see('the JSON', shown.getByText('"taskId"').first());
		return await this.step('the JSON', async () => await shown.innerText());
	}

	/** The nodes on the canvas that look busy. */
	async busy(): Promise<string[]> {
		const busy = this.page
			.locator(byTestId('canvas-node'))
			.filter({ has: this.page.locator('[class*="_running"]') });
		return await Promise.all(
			(await busy.all()).map(async (one) => (await one.getAttribute('data-node-name')) ?? ''),
		);
	}

	async go(what: string, path: string): Promise<void> {
		await this.step(what, async () => await this.page.goto(this.url + path));
	}

	async click(what: string, on: Locator | string): Promise<void> {
		await this.step(what, async () => await this.locate(on).click());
		this.clicks++;
	}

	async write(what: string, into: Locator | string, content: string): Promise<void> {
		await this.step(what, async () => await this.locate(into).fill(content));
	}

	async see(what: string, locator: Locator | string): Promise<void> {
		await this.step(what, async () => await this.locate(locator).first().waitFor());
	}

	private locate(where: Locator | string): Locator {
		return typeof where === 'string' ? this.page.locator(where) : where;
	}

	/** Polls until `look` gives a value. */
	async until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
		return await this.step(what, async () => {
			const seen = await until(what, look, (found) => found !== undefined, STEP_MS);
			if (seen === undefined) throw new errors.TimeoutError(what);
			return seen;
		});
	}

	/** Does one thing in bounded time. */
	async step<T>(what: string, act: () => Promise<T>): Promise<T> {
		const begin = Date.now();
		try {
			return await act();
		} catch (error) {
			const folder = mkdtempSync(join(tmpdir(), 'midjourney-ui-'));
			const path = join(folder, 'then.png');
			const seen = await this.page.screenshot({ path }).then(
				() => `The picture of that moment: ${path}`,
				() => 'The page has gone.',
			);
			const seconds = ((Date.now() - begin) / 1000).toFixed(0);
			const why = error instanceof Error ? error.message : String(error);
			throw new Error(`Waited ${seconds} s in vain for ${what}. ${seen}\n${why}`);
		}
	}
}

/** A workflow whose nodes form a row, each connected to the next. */
export function row(name: string, nodes: Workflow['nodes']): Workflow {
	const connections: Workflow['connections'] = {};
	nodes.forEach((node, position) => {
		const next = nodes[position + 1];
		if (!next) return;
		connections[String(node.name)] = { main: [[{ node: next.name, type: 'main', index: 0 }]] };
	});
	return { name, nodes, connections, settings: { executionOrder: 'v1' } };
}
