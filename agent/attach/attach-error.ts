/** The loader could not do what was asked; nothing that stood before was changed. */
export class AttachError extends Error {
  static {
    AttachError.prototype.name = 'AttachError';
  }
}
