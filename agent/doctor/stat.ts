import { type Stats, statSync } from 'node:fs';

/** What is there, or the errno of looking. */
export function statOf(path: string): Stats | string {
  try {
    return statSync(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}
