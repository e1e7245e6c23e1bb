import type { Failure, Result } from '../../providers/http';
import type { FormChoice } from '../../providers/provider';
import type { Clock } from '../n8n/clock';

/** If neither form was understood, no other one is tried for this long, in ms: the form is not the problem. */
const HOPELESS_MS = 600_000;

/** What is known about one choice of forms. */
interface Known {
	/** The form to start with. */
	form: string;
	/**
	 * `sure`: a request was accepted in this form. `guessed`: the other one was not understood, and nothing was accepted in this
	 * one so far, which a refusal for another reason does not prove to be right.
	 */
	trust?: 'guessed' | 'sure';
	/** Unix ms of the last time when neither form was understood. */
	hopelessAt?: number;
	/** Set while a request is finding out; resolves when it has ended. */
	finding?: Promise<void>;
}

/** Finds out and remembers which of the documented forms an account understands (architecture.md: The other form). */
export class Forms {
	private readonly known = new Map<string, Known>();

	constructor(private readonly clock: Clock) {}

	/**
	 * Runs `work` once the form for it is known. Until then one at a time runs and finds out while the others wait, so at most
	 * one request is sent in vain, however many start together.
	 */
	async inTurn<T>(choice: FormChoice | undefined, work: () => Promise<T>): Promise<T> {
		if (!choice || choice.forms.length < 2) return await work();
		const known = this.of(choice);
		while (known.trust !== 'sure' && known.finding) await known.finding;
		if (known.trust === 'sure' || choice.tells === false) return await work();
		let end = () => {};
		known.finding = new Promise<void>((resolve) => (end = resolve));
		try {
			return await work();
		} finally {
			known.finding = undefined;
			end();
		}
	}

	/** The form in which the next request is sent; undefined: there is only one. */
	next(choice: FormChoice | undefined): string | undefined {
		if (!choice || choice.forms.length < 2) return choice?.forms[0];
		return this.of(choice).form;
	}

	/**
	 * Sends a request in the form that is known to work, or else in the usual one. If a refusal proves that nothing was accepted
	 * and points at the form, sends it in the other one. Remembers what works.
	 *
	 * @param ask sends the request in this form; undefined: there is only one
	 * @param goesOn whether the other form may still be tried; called before it is
	 */
	async ask<T>(
		choice: FormChoice | undefined,
		ask: (form: string | undefined) => Promise<Result<T>>,
		goesOn: () => Promise<boolean> = async () => true,
	): Promise<Result<T>> {
		if (!choice || choice.forms.length < 2) return await ask(choice?.forms[0]);
		const known = this.of(choice);
		const { form } = known;
		const answer = await ask(form);
		if (answer.ok) {
			if (choice.tells !== false) this.settle(known, form);
			return answer;
		}
		const other = this.otherFor(choice, known, form, answer.failure);
		if (other === undefined || !(await goesOn())) return answer;
		const second = await ask(other);
		if (second.ok) {
			this.settle(known, other);
			return second;
		}
		const isNotUnderstood = mayBeForm(choice, second.failure);
		// A guess that was refused for its content stays one.
		if (!mayBeForm(choice, answer.failure)) {
			return isNotUnderstood || isAboutContent(second.failure) ? answer : second;
		}
		if (isNotUnderstood) known.hopelessAt = this.clock.now();
		// What has worked before is not given up for one refusal.
		if (known.trust !== 'sure') {
			const [usual] = choice.forms;
			const guess = isNotUnderstood ? { form: usual } : { form: other, trust: 'guessed' };
			Object.assign(known, { trust: undefined }, guess);
		}
		return isNotUnderstood ? answer : second;
	}

	/** The form to try instead of the refused one; undefined: the refusal stands. */
	private otherFor(
		choice: FormChoice,
		known: Known,
		refused: string,
		failure: Failure,
	): string | undefined {
		const isOfGuess =
			known.trust === 'guessed' && choice.tells !== false && isAboutContent(failure);
		if (!isOfGuess && !mayBeForm(choice, failure)) return undefined;
		// Another request may have found out in the meantime.
		if (known.form !== refused) return known.form;
		const { hopelessAt = -Infinity } = known;
		if (this.clock.now() - hopelessAt < HOPELESS_MS) return undefined;
		return choice.forms.find((form) => form !== refused);
	}

	private settle(known: Known, form: string): void {
		Object.assign(known, { form, trust: 'sure', hopelessAt: undefined });
	}

	private of({ of, forms: [usual] }: FormChoice): Known {
		const known: Known = this.known.get(of) ?? { form: usual };
		this.known.set(of, known);
		return known;
	}
}

/** Whether the other form may be tried: only where that cannot buy anything twice (architecture.md: Pay once). */
const mayBeForm = ({ isFree }: FormChoice, { accepted, suspect }: Failure): boolean =>
	suspect !== undefined && (accepted === 'no' || isFree === true);

/** A provider that complains about the content of a request has probably understood its form. */
const isAboutContent = ({ reason, accepted, suspect }: Failure): boolean =>
	reason === 'invalidRequest' && accepted === 'no' && suspect === undefined;
