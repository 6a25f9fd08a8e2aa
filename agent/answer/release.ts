import type { ReleaseReply } from '../../protocol/release.ts';
import { StoreError } from '../model/store-error.ts';

export interface ReleaseParts {
  readonly host: string;
  /** Lets go what the brake withholds. Errors: StoreError; then it still holds. */
  readonly release: () => Promise<number>;
}

/** Answers `ask … release`. Errors: StoreError when the store is lost. */
export async function releaseAll({ host, release }: ReleaseParts): Promise<ReleaseReply> {
  try {
    return { v: 1, host, released: await release() };
  } catch (error) {
    if (!(error instanceof StoreError) || !error.passing) throw error;
    return { v: 1, host, released: 0, code: 'STORE_UNWRITABLE', message: error.message };
  }
}
