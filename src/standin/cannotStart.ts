/** Why a stand-in does not start, in a sentence that says what to do about it. */
export class CannotStart extends Error {
  readonly reason: 'data is held' | 'data is unusable' | 'port is taken';

  constructor(reason: CannotStart['reason'], message: string) {
    super(message);
    this.name = 'CannotStart';
    this.reason = reason;
  }
}
