import { Cpu, defineBoard, RamSpace } from '@boardwalk/core';
import { afterEach, describe, expect, it } from 'vitest';
import { bootMachine, machineBooter } from './boot-machine.ts';

/** Greets, then echoes in capitals; `q` shuts down with status 3, `!` fails. */
class Echo extends Cpu {
  static override readonly typeName: string = 'echo-cpu';
  halted = false;
  readonly #keys: number[] = [];
  #greeted = false;

  override realize(): void {
    super.realize();
    this.machine.serial(0).onData((data) => {
      this.#keys.push(...data);
      this.halted = false;
      this.machine.wake();
    });
  }

  execute(): number {
    if (!this.#greeted) this.#say('ready\n');
    this.#greeted = true;
    const key = this.#keys.shift();
    if (key === undefined) this.halted = true;
    else if (key === 0x71) this.machine.shutdown('guest', 3);
    else if (key === 0x21) throw new Error('broken emulator');
    else this.#say(String.fromCharCode(key).toUpperCase());
    return 1;
  }

  requestExit(): void {}

  describe(): string {
    return '';
  }

  #say(text: string): void {
    this.machine.serial(0).write(new TextEncoder().encode(text));
  }
}

const board = defineBoard({
  name: 'echo',
  description: 'echoes',
  arch: 'test',
  defaultCpu: 'echo',
  maxCpus: 1,
  defaultRamSize: 65536,
  defaultRamId: 'ram',
  build(machine) {
    machine.add(new Echo(0), 'cpu');
  },
});
const boot = machineBooter(afterEach);
const start = () => boot({ board, space: RamSpace.create({ bytes: 1 << 20 }) });

describe('bootMachine', () => {
  it('talks with the guest and waits for its end', async () => {
    const machine = await start();
    await machine.expectSerial('ready\n');
    machine.send('hello');
    expect((await machine.expectSerial(/H(.*)O/)).match[1]).toBe('ELL');
    machine.send('q');
    expect(await machine.exit()).toEqual({ cause: 'guest', reason: 'shutdown', status: 3 });
    expect(machine.output).toBe('ready\nHELLO');
  });

  it('stops waiting when the machine ends, and shows what it said', async () => {
    const machine = await start();
    machine.send('byeq');
    await expect(machine.expectSerial('login:')).rejects.toThrow('BYE');
  });

  it('stops waiting when the emulator fails', async () => {
    const machine = await start();
    machine.send('!');
    await expect(machine.expectSerial('login:')).rejects.toThrow('broken emulator');
    await expect(machine.exit()).rejects.toThrow('broken emulator');
  });

  it('leaves a machine standing if it is to be started later', async () => {
    const machine = await bootMachine({ board, start: false, space: RamSpace.create({ bytes: 1 << 20 }) });
    expect(machine.machine.state).toBe('prelaunch');
    machine.send('q');
    expect((await machine.exit()).status).toBe(3);
    await machine.dispose();
  });
});
