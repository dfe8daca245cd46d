export { saveDeviceTree } from './commands/machine-files.ts';
export { formatJson, type JsonObject, type JsonValue } from './json/value.ts';
export {
  type CommandArguments,
  type CommandName,
  type CommandReturn,
  commands as qmpCommands,
  events as qmpEvents,
} from './schema/index.ts';
export { type MonitorSession, type QmpOptions, serveQmp } from './session.ts';
