export { signCallback } from './callbacks';
export { type Clock, type ManualClock, manualClock, wallClock } from './clock';
export type { Answer, Call, Interceptor, Reaction } from './faults';
export type {
	CallbackDelivery,
	CallEntry,
	Download,
	Ledger,
	Read,
	Refusal,
	Submit,
} from './ledger';
export type { OutcomeRequest } from './midApi';
export { DEFAULT_API_KEY, type Emulator, type EmulatorOptions, startEmulator } from './server';
export type { Kind, Outcome } from './tasks';
