/** A program as people name it: the release that it is of, and the kernel's own tag, 8 bytes of a hash of its code in hex. */
export interface ProgramName {
  readonly version: string;
  readonly tag: string;
}
