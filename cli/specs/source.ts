import { open } from 'node:fs/promises';
import { readFault } from '../../daemon/read-fault.ts';
import { EXIT, Failure } from '../line/failure.ts';

/** A text as the operator gave it. */
export interface Source {
  /** How messages name it. */
  readonly name: string;
  readonly bytes: Buffer;
}

export const MAX_SOURCE_BYTES = 64 * 1024 * 1024;

/** Reads a file, or standard input for `-`. Errors: Failure. */
export async function readSource(file: string, stdin: AsyncIterable<Uint8Array>): Promise<Source> {
  if (file === '-') return { name: 'stdin', bytes: await readAll(stdin, 'standard input') };
  try {
    await using handle = await open(file);
    return { name: file, bytes: await readAll(handle.createReadStream({ autoClose: false }), file) };
  } catch (error) {
    throw error instanceof Failure ? error : readFailure(file, error as NodeJS.ErrnoException);
  }
}

async function readAll(stream: AsyncIterable<Uint8Array>, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of stream) {
    total += chunk.length;
    if (total > MAX_SOURCE_BYTES) {
      throw new Failure(
        EXIT.refused,
        'TOO_LARGE',
        `${name} is longer than 64 MiB; split it, each part is applied as a whole`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readFailure(file: string, error: NodeJS.ErrnoException): Failure {
  return new Failure(EXIT.refused, error.code ?? 'FAILED', `cannot read ${file}: ${readFault(error)}`, {
    cause: error,
  });
}
