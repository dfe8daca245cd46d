/** The consoles of the service processor, by the names that users know. */
import { type TypeRegistry, typeOfClass } from '@boardwalk/core';
import { SclpConsole } from './console.ts';
import { LineConsole } from './line-console.ts';
import { Vt220Console } from './vt220-console.ts';

/** Registers them. `device` must be registered. */
export function registerEventDevices(registry: TypeRegistry): void {
  registry.register(typeOfClass(SclpConsole, { abstract: true, description: 'base of consoles' }));
  registry.register(
    typeOfClass(Vt220Console, { description: 'ASCII console (VT220)', create: () => new Vt220Console() }),
  );
  registry.register(typeOfClass(LineConsole, { description: 'line-mode console', create: () => new LineConsole() }));
}
