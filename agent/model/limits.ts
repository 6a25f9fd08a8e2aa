/** The most redirects that maps can be made for: the loader judges the memory that so many take. */
export const MAX_SLOTS = 2 ** 20;
/** What maps are made for where nobody says how many. */
export const DEFAULT_SLOTS = 16_384;
