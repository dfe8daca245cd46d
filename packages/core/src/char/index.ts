export { type CharBackend, type CharEvent, NullChar } from './char-backend.ts';
export { CharFrontend, type CharReceiver } from './char-frontend.ts';
export { Chardev, type ChardevParts, type CharUser } from './chardev.ts';
export { EscapeFilter, escapeHelp } from './escapes.ts';
export { MuxChar, type MuxOptions } from './mux-char.ts';
export { PipeChar, type PipeMatch } from './pipe-char.ts';
export { RingBufChar } from './ring-buf-char.ts';
