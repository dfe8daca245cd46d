export { type QtestOptions, serveQtest } from './server.ts';
