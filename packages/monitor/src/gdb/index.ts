export { type GdbOptions, serveGdb } from './session.ts';
