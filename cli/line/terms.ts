import type { Terms } from '../../protocol/terms.ts';
import { usage } from './failure.ts';
import type { Options, TERM_OPTIONS } from './options.ts';

/** What a request says of its terms. Errors: Failure USAGE, where the gate is to be passed and nobody says why. */
export function termsOf(options: Options<(typeof TERM_OPTIONS)[number]>): Terms {
  const { 'allow-shrink': shrink, 'allow-growth': growth, reason } = options;
  if ((shrink || growth) && reason === undefined)
    throw usage(`--allow-${shrink ? 'shrink' : 'growth'} needs --reason TEXT: it is kept with the change`);
  return {
    ...(shrink && { allowShrink: true }),
    ...(growth && { allowGrowth: true }),
    ...(reason !== undefined && { reason }),
  };
}
