// A machine inside a test, spoken to through its first serial port in the manner of expect(1).

import {
  type BoardDefinition,
  type ExitInfo,
  Machine,
  type MachineOptions,
  PipeChar,
  type PipeMatch,
} from '@boardwalk/core';

/** What {@link bootMachine} takes: a board, and what a machine is made from. */
export interface BootOptions extends Omit<MachineOptions, 'serials'> {
  readonly board: BoardDefinition;
  /** Start it at once. Default true. */
  readonly start?: boolean;
}

/** How long {@link TestMachine.expectSerial} waits. */
export interface ExpectOptions {
  /** Default 60 000. */
  readonly timeoutMs?: number;
}

/** A machine with its first serial port at hand. */
export interface TestMachine {
  readonly machine: Machine;
  readonly serial: PipeChar;
  /** Everything that the guest has sent. */
  readonly output: string;
  /** Sends text, or bytes, to the guest. */
  send(data: string | Uint8Array): void;
  /**
   * Waits for output that matches, after what an earlier call matched. Rejects, showing the end of the output, when time is up, when
   * the machine ends without it, and when the emulator itself fails.
   */
  expectSerial(pattern: string | RegExp, options?: ExpectOptions): Promise<PipeMatch>;
  /** Starts the machine, if it has not been, and waits for its end. */
  exit(): Promise<ExitInfo>;
  /** Ends the machine and frees its memory. */
  dispose(): Promise<void>;
}

/** Makes a machine and starts it. @throws UserError as Machine.create does */
export async function bootMachine({ board, start = true, ...options }: BootOptions): Promise<TestMachine> {
  const serial = new PipeChar();
  const machine = await Machine.create(board, { ...options, serials: [serial] });
  let ending: Promise<ExitInfo> | undefined;
  const exit = (): Promise<ExitInfo> => {
    ending ??= machine.run().finally(() => serial.close());
    return ending;
  };
  /** Never resolves; rejects when the emulator fails. */
  const failure = new Promise<never>((_, reject) => machine.on('error', ({ error }) => reject(error)));
  failure.catch(() => {});
  if (start) exit().catch(() => {});
  return {
    machine,
    serial,
    get output() {
      return serial.sent;
    },
    send: (data) => serial.send(data),
    expectSerial: (pattern, expectOptions = {}) => Promise.race([serial.waitFor(pattern, expectOptions), failure]),
    exit,
    dispose: () => machine.dispose(),
  };
}

/**
 * A {@link bootMachine} whose machines end with the test that made them.
 * @param afterEach the test runner's: `const boot = machineBooter(afterEach)`
 */
export function machineBooter(
  afterEach: (hook: () => Promise<void>) => void,
): (options: BootOptions) => Promise<TestMachine> {
  const machines: TestMachine[] = [];
  afterEach(async () => {
    await Promise.all(machines.splice(0).map((machine) => machine.dispose()));
  });
  return async (options) => {
    const machine = await bootMachine(options);
    machines.push(machine);
    return machine;
  };
}
