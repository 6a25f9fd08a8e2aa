import type { Code } from './codes.ts';

/**
 * An input that does not say something valid: what is wrong (`code`, for programs), where (`path`) and why (`message`, for people).
 * `path` is dotted with list positions in brackets, e.g. `changes[3].match.src`; empty for the whole input.
 */
export class Refused extends Error {
  readonly code: Code;
  readonly path: string;
  /** The message without the path before it. */
  readonly reason: string;

  constructor(code: Code, path: string, reason: string) {
    super(path === '' ? reason : `${path}: ${reason}`);
    this.code = code;
    this.path = path;
    this.reason = reason;
  }
}

Refused.prototype.name = 'Refused';
