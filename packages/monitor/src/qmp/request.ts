// A message of a QMP client: which command, in band or out of band (docs/interop/qmp-spec).
import { type ErrorClass, type TypeRegistry, UserError } from '@boardwalk/core';
import { isJsonObject, type JsonObject, type JsonValue } from './json/value.ts';
import { commands, isCommandName } from './schema/index.ts';
import { checkArguments } from './schema/validate.ts';

/** What a client wants. */
export interface Request {
  readonly command: keyof typeof commands;
  readonly args: JsonObject;
  readonly outOfBand: boolean;
}

/** What a message means depends on. */
export interface Phase {
  /** The client asked for commands out of band. */
  readonly oob: boolean;
  /** Before `qmp_capabilities`. */
  readonly negotiating: boolean;
  /** The types of objects that there are. */
  readonly types: TypeRegistry;
}

/** The error that a client gets. */
export interface QmpError {
  readonly class: ErrorClass;
  readonly desc: string;
}

/** What an exception says to a client. What is no UserError is the emulator's own fault: its message, no more. */
export function toQmpError(error: unknown): QmpError {
  if (error instanceof UserError) return { class: error.errorClass, desc: error.message };
  return { class: 'GenericError', desc: error instanceof Error ? error.message : String(error) };
}

/** The `id` of a message, if it has one. */
export function idOf(message: JsonValue): { readonly id?: JsonValue } {
  return isJsonObject(message) && message.id !== undefined ? { id: message.id } : {};
}

/**
 * Reads a message as far as it can be read without knowing the state of the machine.
 * @throws UserError
 */
export function readRequest(message: JsonValue, phase: Phase): Request {
  if (!isJsonObject(message)) throw new UserError('QMP input must be a JSON object');
  const { name, args, outOfBand } = readMembers(message, phase.oob);
  if (phase.negotiating && name !== 'qmp_capabilities') {
    throw new UserError("Expecting capabilities negotiation with 'qmp_capabilities'", 'CommandNotFound');
  }
  if (!isCommandName(name)) throw commandNotFound(name);
  const spec = commands[name];
  if (outOfBand && !('oob' in spec && spec.oob)) throw new UserError(`The command ${name} does not support OOB`);
  if (!phase.negotiating && name === 'qmp_capabilities') {
    throw new UserError('Capabilities negotiation is already complete, command ignored', 'CommandNotFound');
  }
  checkArguments(spec, args, phase.types);
  return { command: name, args, outOfBand };
}

/** What is said to a command that there is not. */
export function commandNotFound(name: string): UserError {
  return new UserError(`The command ${name} has not been found`, 'CommandNotFound');
}

function readMembers(
  message: JsonObject,
  oob: boolean,
): { readonly name: string; readonly args: JsonObject; readonly outOfBand: boolean } {
  let name: string | undefined;
  let args: JsonObject = {};
  for (const [member, value] of Object.entries(message)) {
    if (member === 'execute' || (member === 'exec-oob' && oob)) {
      if (typeof value !== 'string') throw new UserError(`QMP input member '${member}' must be a string`);
      if (name !== undefined) throw new UserError("QMP input member 'execute' clashes with 'exec-oob'");
      name = value;
    } else if (member === 'arguments') {
      if (!isJsonObject(value)) throw new UserError("QMP input member 'arguments' must be an object");
      args = value;
    } else if (member !== 'id') {
      throw new UserError(`QMP input member '${member}' is unexpected`);
    }
  }
  if (name === undefined) throw new UserError("QMP input lacks member 'execute'");
  return { name, args, outOfBand: 'exec-oob' in message };
}
