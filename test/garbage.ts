/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- to see what is left in memory, it is not a node */
import { setFlagsFromString } from 'v8';
import { runInNewContext } from 'vm';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** So many turns does the process get to let go of what has ended, such as sockets. */
const TURNS = 20;

/** Collects all garbage of the process. */
export async function collectGarbage(): Promise<void> {
	for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate);
	collect();
}
