// -cpu: a model and its properties.
import { UserError } from '../object/index.ts';
import type { BoardDefinition } from './board.ts';

/** `rv64,zbb=off,+zba` in parts. */
export interface CpuModel {
  readonly model: string;
  /** In the order given; `name`, `+name` and `-name` have become `on`, `on` and `off`. */
  readonly properties: readonly { readonly name: string; readonly value: string }[];
}

/**
 * Takes a `-cpu` text apart.
 * @throws UserError if there is no model, or a property without a name
 */
export function parseCpuModel(text: string): CpuModel {
  const [model = '', ...rest] = text.split(',');
  if (model === '') throw new UserError(`-cpu: '${text}' names no CPU model`);
  const properties = rest
    .filter((item) => item !== '')
    .map((item) => {
      const at = item.indexOf('=');
      const sign = item[0];
      const signed = at < 0 && (sign === '+' || sign === '-');
      const name = signed ? item.slice(1) : at < 0 ? item : item.slice(0, at);
      if (name === '') throw new UserError(`-cpu: '${item}' has no property name`);
      return { name, value: at >= 0 ? item.slice(at + 1) : sign === '-' ? 'off' : 'on' };
    });
  return { model, properties };
}

/**
 * The CPU of a machine: the user's, or the board's default.
 * @throws UserError if the board cannot have that model
 */
export function resolveCpuModel(text: string | undefined, board: BoardDefinition): CpuModel {
  if (text === undefined) return { model: board.defaultCpu, properties: [] };
  const cpu = parseCpuModel(text);
  if (board.cpuTypes !== undefined && !board.cpuTypes.includes(cpu.model)) {
    throw new UserError(
      `Invalid CPU type: ${cpu.model}. The valid types of machine '${board.name}' are: ${board.cpuTypes.join(', ')}`,
    );
  }
  return cpu;
}
