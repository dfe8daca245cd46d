// Where machines are saved to and go on from: file:PATH, exec:COMMAND, unix:PATH, tcp:HOST:PORT, fd:N.

import { UserError } from '@boardwalk/core';

/** A place of a migration. */
export type MigrationUri =
  | { readonly kind: 'file' | 'unix'; readonly path: string }
  | { readonly kind: 'exec'; readonly command: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'fd'; readonly fd: number };

/**
 * @param unknown what is said of a URI of another kind
 * @throws UserError for what is none
 */
export function parseMigrationUri(uri: string, unknown = `unknown migration protocol: ${uri}`): MigrationUri {
  const [, kind = '', rest = ''] = /^(file|unix|exec|tcp|fd):(.+)$/s.exec(uri) ?? [];
  switch (kind) {
    case 'file':
    case 'unix':
      return { kind, path: rest };
    case 'exec':
      return { kind, command: rest };
    case 'tcp': {
      const [, bracketed, plain = '', port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(rest) ?? [];
      if (port !== '' && Number(port) < 65536) return { kind, host: bracketed ?? plain, port: Number(port) };
      throw new UserError(`'${uri}' should be tcp:HOST:PORT`);
    }
    case 'fd':
      if (/^\d+$/.test(rest)) return { kind, fd: Number(rest) };
      throw new UserError(`File descriptor named '${rest}' has not been found`);
  }
  throw new UserError(unknown);
}
