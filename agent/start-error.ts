/** The agent could not start; what it found is as it was. */
export class StartError extends Error {
  static {
    StartError.prototype.name = 'StartError';
  }
}
