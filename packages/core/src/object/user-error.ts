/**
 * A mistake of the person who set the machine up: one line that says what was wrong and what is allowed.
 * A program prints it after its own name and leaves with status 1.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
}
