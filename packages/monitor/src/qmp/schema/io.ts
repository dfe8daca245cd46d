// Character devices (qapi/char.json).
import { bool, command, list, str, struct } from './dsl.ts';

export const ChardevInfoType = struct('ChardevInfo', { label: str, filename: str, 'frontend-open': bool });

export const ioCommands = {
  'query-chardev': command({ doc: 'The character devices.', returns: list(ChardevInfoType), preconfig: true }),
} as const;
