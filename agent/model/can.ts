/** What this agent understands beyond version 1 of the protocol, in the words that controllers look for. */
export const CAN: readonly string[] = Object.freeze(['idle', 'confirm', 'permit']);
