export { type CharBackend, type CharEvent, NullChar } from './char-backend.ts';
export { CharFrontend, type CharReceiver } from './char-frontend.ts';
export { PipeChar, type PipeMatch } from './pipe-char.ts';
export { RingBufChar } from './ring-buf-char.ts';
