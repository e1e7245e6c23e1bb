/** The id of the execution of a scenario that names none. */
export const EXECUTION = '1';

/** The id of a second execution: the retry of the first, or another one beside it. */
export const OTHER_EXECUTION = '2';
