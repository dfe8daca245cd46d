// Errors that a person or a client can cause, apart from faults of the program itself.

/** The error classes of the QEMU Machine Protocol that Boardwalk uses. */
export type ErrorClass = 'GenericError' | 'CommandNotFound' | 'DeviceNotFound' | 'DeviceNotActive';

/**
 * A user's mistake, told in one line: an option, property or value that cannot be. The command line prints
 * `<program>: <message>` and exits with status 1; a QMP monitor answers with `errorClass` and the message.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  /** What a QMP client sees as `error.class`. */
  readonly errorClass: ErrorClass;

  constructor(message: string, errorClass: ErrorClass = 'GenericError') {
    super(message);
    this.errorClass = errorClass;
  }
}
