import type { Failure, Result } from '../../providers/http';
import type { FormChoice } from '../../providers/provider';
import type { Clock } from '../clock';

/** When no form was understood, none but the usual one is tried for this long, in ms: the form is not what is wrong. */
const HOPELESS_MS = 600_000;

/** What is known of one choice. */
interface Known {
	/** The form to begin with. */
	form: string;
	/** An answer has shown that it is the right one. */
	isSure: boolean;
	/** Unix ms when no form was understood last. */
	hopelessAt?: number;
	/** Somebody is finding out; resolves when that is over. */
	finding?: Promise<void>;
}

/** Which of the documented forms an account understands (architecture.md: The other form). */
export class Forms {
	private readonly known = new Map<string, Known>();

	constructor(private readonly clock: Clock) {}

	/**
	 * Runs `work` when the form for it is known. While it is not, one at a time runs and finds out, the others wait: so at most
	 * one request is sent in vain, however many begin together.
	 */
	async inTurn<T>(choice: FormChoice | undefined, work: () => Promise<T>): Promise<T> {
		if (!choice || choice.forms.length < 2) return await work();
		const known = this.of(choice);
		while (!known.isSure && known.finding) await known.finding;
		if (known.isSure || choice.tells === false) return await work();
		let end = () => {};
		known.finding = new Promise<void>((resolve) => (end = resolve));
		try {
			return await work();
		} finally {
			known.finding = undefined;
			end();
		}
	}

	/**
	 * Asks in the form that is known to work, else in the usual one, and in the other one where a refusal proves that nothing
	 * was taken and points at the form. What works is remembered.
	 *
	 * @param ask sends one request in this form; undefined: there is only one
	 * @param goesOn asked before the other form is tried
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
		Object.assign(known, { form: other, isSure: false });
		const second = await ask(other);
		if (second.ok || isAboutContent(second.failure)) this.settle(known, other);
		if (second.ok || !mayBeForm(choice, second.failure)) return second;
		const [usual] = choice.forms;
		Object.assign(known, { form: usual, isSure: false, hopelessAt: this.clock.now() });
		return answer;
	}

	/** The form to try in place of a refused one; undefined: the refusal stands. */
	private otherFor(
		choice: FormChoice,
		known: Known,
		refused: string,
		failure: Failure,
	): string | undefined {
		if (!mayBeForm(choice, failure)) return undefined;
		// Somebody else may have found out meanwhile.
		if (known.form !== refused) return known.form;
		const { hopelessAt = -Infinity } = known;
		if (this.clock.now() - hopelessAt < HOPELESS_MS) return undefined;
		return choice.forms.find((form) => form !== refused);
	}

	private settle(known: Known, form: string): void {
		Object.assign(known, { form, isSure: true, hopelessAt: undefined });
	}

	private of({ of, forms: [usual] }: FormChoice): Known {
		const known = this.known.get(of) ?? { form: usual, isSure: false };
		this.known.set(of, known);
		return known;
	}
}

/** Whether another form may be what was wanted: only where trying it can buy nothing twice (architecture.md: Pay once). */
const mayBeForm = ({ isFree }: FormChoice, { accepted, suspect }: Failure): boolean =>
	suspect !== undefined && (accepted === 'no' || isFree === true);

/** Whoever complains of what stands in a request has understood its form. */
const isAboutContent = ({ reason, accepted, suspect }: Failure): boolean =>
	reason === 'invalidRequest' && accepted === 'no' && suspect === undefined;
