// Puts a monitor, qtest or the GDB stub on a line. Each is loaded when it is needed.

import type { CharBackend } from '@boardwalk/core';
import type { Emulator } from '@boardwalk/monitor';
import type { Service } from './config/services.ts';
import { GatedLine } from './gated-line.ts';

/**
 * Begins to serve.
 * @param complete until then the line's input waits
 * @returns what ends the service, for one that can end before the program does
 */
export async function serve(
  service: Service,
  emulator: Emulator,
  line: CharBackend,
  complete: Promise<void>,
): Promise<(() => void) | undefined> {
  const gated = new GatedLine(line, complete);
  switch (service.kind) {
    case 'hmp': {
      const { serveHmp } = await import('@boardwalk/monitor/hmp');
      serveHmp(emulator, gated);
      return undefined;
    }
    case 'qmp': {
      const { serveQmp } = await import('@boardwalk/monitor/qmp');
      serveQmp(emulator, gated, { pretty: service.pretty });
      return undefined;
    }
    case 'qtest': {
      const [{ serveQtest }, { openQtestLog }] = await Promise.all([
        import('@boardwalk/monitor/qtest'),
        import('./config/qtest-log.ts'),
      ]);
      const log = openQtestLog(service.log);
      serveQtest(emulator, gated, log === undefined ? {} : { log });
      return undefined;
    }
    case 'gdb': {
      const { serveGdb } = await import('@boardwalk/monitor/gdb');
      const served = serveGdb(emulator, gated);
      return () => served.close();
    }
  }
}
