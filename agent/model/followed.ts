/**
 * What became of the maps that are open: others take their place, or had to give it back; or those that were to come are there
 * now, and packets meet them.
 */
export type Followed = 'same' | 'other' | 'arrived';
