import type { Code } from './codes.ts';

/**
 * An input that does not say something valid: what is wrong (`code`, for programs), where (`path`) and why (`message`, for people).
 * `path` is dotted with list positions in brackets, e.g. `changes[3].match.src`; empty for the whole input.
 */
export class Refused extends Error {
  readonly code: Code;
  readonly path: string;

  constructor(code: Code, path: string, message: string) {
    super(path === '' ? message : `${path}: ${message}`);
    this.code = code;
    this.path = path;
  }
}

Refused.prototype.name = 'Refused';
