// `npm start`: from a fresh checkout to a booted machine. Options: `npm start -- --help`.
import './node-version.mjs';
import { main } from './main.mjs';
import { prepare } from './workspace.mjs';

await main(async () => {
  await prepare();
  const { start } = await import('@boardwalk/launch');
  return start(process.argv.slice(2));
});
