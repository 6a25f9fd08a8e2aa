import { hash } from 'node:crypto';

/** Digests the fields of a stored row: 32 hex digits of SHA-256 over their JSON list. */
export function checksumOf(fields: readonly (string | number | null)[]): string {
  return checksumOfText(JSON.stringify(fields));
}

/** The same of fields that are a JSON list already. */
export function checksumOfText(fields: string): string {
  return hash('sha256', fields, 'hex').slice(0, 32);
}
