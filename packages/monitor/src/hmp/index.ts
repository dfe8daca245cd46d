export { type HmpOptions, serveHmp } from './session.ts';
