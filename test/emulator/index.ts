export { type Delivery, type OddCallback, signCallback } from './callbacks';
export { type Clock, type ManualClock, manualClock, wallClock } from './clock';
export type { Answer, Call, Interceptor, Manner, Reaction } from './faults';
export type {
	CallbackDelivery,
	CallEntry,
	Download,
	ImageFetch,
	Ledger,
	Read,
	Refusal,
	Submit,
	Upload,
} from './ledger';
export type { Kind, MidApiKind, ProviderName, VtrixModel } from './kinds';
export type { OutcomeRequest } from './provider';
export {
	DEFAULT_API_KEY,
	type Emulator,
	type EmulatorOptions,
	startEmulator,
	type VtrixChanges,
} from './server';
export type { Outcome } from './tasks';
