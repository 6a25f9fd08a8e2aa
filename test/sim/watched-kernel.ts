import type { Op, OpResult } from '../../agent/model/op.ts';
import { MemoryKernel, type MemoryKernelOptions } from '../fakes/memory-kernel.ts';

/** A kernel that shows every op to somebody else before it is done. */
export class WatchedKernel extends MemoryKernel {
  /** Is shown every op that it refused. */
  onRefused: (op: Op) => void = () => {};
  readonly #onOp: (op: Op) => void;

  constructor(options: MemoryKernelOptions, onOp: (op: Op) => void) {
    super(options);
    this.#onOp = onOp;
  }

  override apply(ops: readonly Op[]): OpResult[] {
    return ops.flatMap((op) => {
      if (this.opsToLive > 0 && !this.isOld) this.#onOp(op);
      const results = super.apply([op]);
      if (results.some(({ done }) => !done)) this.onRefused(op);
      return results;
    });
  }
}
