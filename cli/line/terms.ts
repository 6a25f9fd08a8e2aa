import { MIN_CONFIRM_MS, type Terms } from '../../protocol/terms.ts';
import { Failure, usage } from './failure.ts';
import type { Options, TERM_OPTIONS } from './options.ts';

/** What a request says of its terms. Errors: Failure USAGE, where the gate is to be passed and nobody says why. */
export function termsOf(options: Options<(typeof TERM_OPTIONS)[number]>, confirmMs?: number): Terms {
  const { 'allow-shrink': shrink, 'allow-growth': growth, reason } = options;
  if (confirmMs !== undefined && confirmMs < MIN_CONFIRM_MS)
    throw usage('--confirm: a host is heard for ten seconds before a change is confirmed; 20s at least');
  if ((shrink || growth) && reason === undefined)
    throw usage(`--allow-${shrink ? 'shrink' : 'growth'} needs --reason TEXT: it is kept with the change`);
  return {
    ...(shrink && { allowShrink: true }),
    ...(growth && { allowGrowth: true }),
    ...(reason !== undefined && { reason }),
    ...(confirmMs !== undefined && { confirm: { withinMs: confirmMs } }),
  };
}

/** A controller of an older release knows no terms, and says so in words of its own. */
export async function knowingTerms<T>(asking: Promise<T>, terms: Terms): Promise<T> {
  return asking.catch((error: unknown) => {
    if (Object.keys(terms).length === 0 || !(error instanceof Failure) || error.code !== 'UNKNOWN_FIELD') throw error;
    if (terms.confirm !== undefined) {
      const older =
        'the controller is of an older release, and can have no change confirmed: upgrade it, or leave out --confirm';
      throw new Failure(error.exit, error.code, `${error.message}; ${older}`, { cause: error });
    }
    const advice =
      'a controller that does not know --reason is of an older release, and has no size gate: leave it out';
    throw new Failure(error.exit, error.code, `${error.message}; ${advice}, and --allow-shrink and --allow-growth`, {
      cause: error,
    });
  });
}
