/** A kernel object could not be used as a whole; single ops report in their result instead. */
export class KernelError extends Error {
  static {
    KernelError.prototype.name = 'KernelError';
  }
  readonly op: string;
  readonly target: string;
  readonly errno: string;

  constructor(op: string, target: string, errno: string, advice = '') {
    super(`${op} ${target}: ${errno}${advice === '' ? '' : `; ${advice}`}`);
    this.op = op;
    this.target = target;
    this.errno = errno;
  }
}

/** The pins are gone, or others now: no packet would meet what is written into the maps that are open. */
export class PinsLostError extends KernelError {}
