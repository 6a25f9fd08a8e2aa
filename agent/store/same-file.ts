import { basename } from 'node:path';
import { OpenFiles } from '../../daemon/open-files.ts';
import { StoreError } from '../model/store-error.ts';

/**
 * Answers a look whether a database that is open now is still the one that a start would find. Errors, of the look: StoreError
 * REPLACED. Files that cannot be looked at may be the same.
 */
export function sameFile(path: string): () => void {
  const files = new OpenFiles(path, (found, gone) => {
    const what = `${basename(found)} was ${gone} under the running agent`;
    return new StoreError(
      'REPLACED',
      path,
      `${what}; start it again: what stands is kept, and the set is fetched anew`,
    );
  });
  return () => {
    try {
      files.requireSame();
    } catch (error) {
      if (error instanceof StoreError) throw error;
    }
  };
}
