import { pattern } from './read.ts';

/** The id of a change: that of its upload, or one of the controller's. It may be given as far as no other begins with the same. */
export const readChangeId = pattern(/^[A-Za-z0-9_-]{1,64}$/, 'the id of a change');
