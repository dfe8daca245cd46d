// The services for gdb: those of -gdb and -s, and the one that `gdbserver` of a monitor begins in their place.

import type { CharBackend } from '@boardwalk/core';
import type { DebuggerService } from '@boardwalk/monitor';
import type { ChardevTable } from './config/chardevs.ts';
import { parseGdb, type Service, type ServiceSpec } from './config/services.ts';

interface Served {
  readonly spec: ServiceSpec;
  readonly line: CharBackend;
  readonly end: () => void;
}

/** Who is served now. */
export class Debugging implements DebuggerService {
  readonly #chardevs: ChardevTable;
  readonly #serve: (service: Service, line: CharBackend) => Promise<(() => void) | undefined>;
  readonly #served: Served[] = [];

  /** @param serve begins to serve on a line, and gives what ends that */
  constructor(
    chardevs: ChardevTable,
    serve: (service: Service, line: CharBackend) => Promise<(() => void) | undefined>,
  ) {
    this.#chardevs = chardevs;
    this.#serve = serve;
  }

  /** Serves on a line that is open. */
  async add(spec: ServiceSpec, line: CharBackend): Promise<void> {
    const end = await this.#serve(spec.service, line);
    this.#served.push({ spec, line, end: end ?? (() => {}) });
  }

  async start(device: string): Promise<void> {
    const choice = parseGdb(device);
    this.stop();
    const spec = { option: 'gdbserver', label: 'gdb', choice, service: { kind: 'gdb' } } as const;
    const chardev = await this.#chardevs.choose(spec.label, choice, 'gdbserver');
    if (chardev === undefined) return;
    try {
      await this.#chardevs.begin();
    } catch (error) {
      this.#chardevs.remove(spec.label);
      throw error;
    }
    await this.add(spec, chardev.attach('monitor'));
  }

  stop(): void {
    for (const { spec, line, end } of this.#served.splice(0)) {
      end();
      line.close();
      if (spec.choice.on !== 'chardev') this.#chardevs.remove(spec.label);
    }
  }

  /** The program ends. */
  close(): void {
    for (const { line } of this.#served) line.close();
  }
}
