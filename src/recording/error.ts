/** A recording that is malformed, or of a format that is not known. The message names what was found and where. */
export class RecordingError extends Error {
  /** `'RecordingError'`. */
  override readonly name = 'RecordingError';
  /** Bytes of the recording before the record that is malformed. */
  readonly offset: number;

  /** `offset`: bytes of the recording before the fault. */
  constructor(message: string, offset: number) {
    super(offset === 0 ? message : `${message} (at byte ${offset} of the recording)`);
    this.offset = offset;
  }
}
