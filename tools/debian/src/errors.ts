/**
 * Why packages could not be had:
 * - `no-apt`: this system has no apt or dpkg-deb;
 * - `no-mirror`: apt is here, but configured for no Debian mirror;
 * - `network`: the mirror could not be reached, or a transfer failed;
 * - `untrusted`: an index is unsigned or its signature does not verify;
 * - `not-found`: the suite has no such package, or the package no such file;
 * - `bad-option`: a suite, mirror, architecture or package name is malformed.
 */
export type DebianErrorReason = 'no-apt' | 'no-mirror' | 'network' | 'untrusted' | 'not-found' | 'bad-option';

/** A failure to take packages from Debian: one line for the user, and the reason for the program. */
export class DebianError extends Error {
  override readonly name = 'DebianError';
  readonly reason: DebianErrorReason;

  constructor(reason: DebianErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
