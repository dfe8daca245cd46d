/**
 * The watchdog of DIAGNOSE 0x288 (`-device diag288`): resets a machine whose program does not tell in time that it lives. After Linux
 * drivers/watchdog/diag288_wdt.c.
 */
import { Device, type StateField, type Timer, type TypeRegistry, typeOfClass } from '@boardwalk/core';
import { CC_UNCHANGED, type CpuPort, type Outcome, PGM_SPECIFICATION, programInterruption } from '../cpu/services.ts';

const FUNCTION = { init: 0, change: 1, cancel: 2 } as const;
const SHORTEST_SECONDS = 15;
const NS_PER_SECOND = 1e9;

export class Diag288Watchdog extends Device {
  static override readonly typeName: string = 'diag288';
  static override readonly state: readonly StateField[] = [
    { name: 'enabled', type: 'bool', reset: false },
    { name: 'deadline', type: 'number', reset: 0 },
  ];

  enabled = false;
  /** Virtual time at which the machine is reset, in ns. */
  deadline = 0;
  #timer: Timer | undefined;

  override realize(): void {
    super.realize();
    this.#timer = this.machine.clock.timer(() => this.#expired());
  }

  override resetHold(): void {
    super.resetHold();
    this.#timer?.disarm();
  }

  protected override afterRestore(): void {
    super.afterRestore();
    if (this.enabled) this.#timer?.arm(this.deadline);
    else this.#timer?.disarm();
  }

  override dispose(): void {
    this.#timer?.disarm();
    super.dispose();
  }

  /** Function in r1, seconds in the register after it, action in r3: 0, a reset. */
  diagnose(cpu: CpuPort, r1: number, r3: number): Outcome {
    const seconds = r1 % 2 === 0 ? Number(cpu.gpr(r1 + 1)) : 0;
    if (r1 % 2 !== 0 || cpu.gpr(r3) !== 0n) return programInterruption(PGM_SPECIFICATION);
    switch (Number(cpu.gpr(r1))) {
      case FUNCTION.init:
        return seconds >= SHORTEST_SECONDS ? this.#start(seconds) : programInterruption(PGM_SPECIFICATION);
      case FUNCTION.change:
        return seconds >= SHORTEST_SECONDS && this.enabled
          ? this.#start(seconds)
          : programInterruption(PGM_SPECIFICATION);
      case FUNCTION.cancel:
        if (!this.enabled) return programInterruption(PGM_SPECIFICATION);
        this.enabled = false;
        this.#timer?.disarm();
        return CC_UNCHANGED;
      default:
        return programInterruption(PGM_SPECIFICATION);
    }
  }

  #start(seconds: number): Outcome {
    this.enabled = true;
    this.deadline = this.machine.clock.now() + seconds * NS_PER_SECOND;
    this.#timer?.arm(this.deadline);
    return CC_UNCHANGED;
  }

  #expired(): void {
    this.enabled = false;
    this.machine.watchdogExpired();
  }
}

/** Registers it. `device` must be registered. */
export function registerWatchdog(registry: TypeRegistry): void {
  registry.register(
    typeOfClass(Diag288Watchdog, { description: 'watchdog of DIAGNOSE 0x288', create: () => new Diag288Watchdog() }),
  );
}
