/**
 * Debian's gdb on a bare program of a mainframe. The same scripts run on QEMU's stub: what gdb prints has to be the same, but for
 * what is named here. Skipped with a printed reason where gdb, QEMU or the cross compiler are not installed.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type GdbServer, missingTools, runGdb, serveOnQemu, serveProgram, Workshop } from './server.ts';

if (missingTools.length > 0) console.log(`gdb is not tested: ${missingTools.join(', ')} not installed`);

const TIMEOUT = 120_000;
const GUARDED = /^gs(d|sm|epla|_reserved) .*\n/gm;

describe.skipIf(missingTools.length > 0)('gdb on a bare program of a mainframe', () => {
  let workshop: Workshop;
  let elf = '';
  const servers: GdbServer[] = [];
  beforeAll(() => {
    workshop = new Workshop();
    elf = workshop.build('crt.S', 'program.c');
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  afterAll(() => workshop.dispose());

  async function ours(): Promise<Awaited<ReturnType<typeof serveProgram>>> {
    const server = await serveProgram(workshop, elf);
    servers.push(server);
    return server;
  }

  /** What gdb prints on both: the same, but for the guarded-storage facility, which these CPUs do not have. */
  async function onBoth(script: readonly string[]): Promise<string> {
    const our = await ours();
    const their = await serveOnQemu(workshop, elf);
    servers.push(their);
    const [mine, expected] = [await runGdb(our, elf, script), await runGdb(their, elf, script)];
    expect(mine.replaceAll(our.socket, 'SOCKET')).toBe(
      expected.replaceAll(their.socket, 'SOCKET').replaceAll(GUARDED, ''),
    );
    return mine;
  }

  it(
    'steps, finishes, and shows where it is and all general registers, as on QEMU',
    async () => {
      const output = await onBoth(
        [
          ['break main', 'continue', 'info registers', 'next', 'step', 'bt', 'info args', 'finish', 'stepi', 'nexti'],
          ['hbreak factorial', 'continue', 'continue', 'continue', 'bt', 'info breakpoints', 'delete', 'finish'],
          ['x/6i $pc', 'info registers', 'info line', 'until', 'up', 'print $pc', 'print/x $pswm', 'print $cc'],
        ].flat(),
      );
      expect(output).toContain('factorial (n=n@entry=3)');
      expect(output).toMatch(/^pswm +0x\w+80000000 /m);
    },
    TIMEOUT,
  );

  it(
    'stops at reads, writes and accesses of watched storage, as on QEMU',
    async () => {
      const output = await onBoth(
        [
          ['break touch', 'continue', 'delete', 'watch counter', 'rwatch watched[1]', 'awatch watched[2]'],
          ['continue', 'continue', 'continue', 'info registers pc r1', 'delete'],
          ['watch counter if counter == 30', 'continue', 'print counter'],
        ].flat(),
      );
      expect(output).toContain('Hardware read watchpoint 3: watched[1]');
      expect(output).toContain('$1 = 30');
    },
    TIMEOUT,
  );

  it(
    'shows and changes registers of every file, and storage, as on QEMU',
    async () => {
      const output = await onBoth(
        [
          ['break scale', 'continue', 'info registers f0 f1 fpc', 'finish', 'set var ratio = 0.25', 'print ratio'],
          ['set var $r5 = 0x123456789abcdef0', 'print/x $r5', 'set var $f3 = 2.5', 'print $f3', 'info registers f3'],
          ['set var $acr3 = 77', 'print $acr3', 'print/x $cr0', 'set var $cr2 = 0x5540', 'print/x $cr2', 'print $cr15'],
          ['set var watched[3] = 99', 'x/4dw &watched', 'print origin', 'x/2xw 0x20000', 'print $nothing'],
          ['set var $v20.v2_int64[1] = 5', 'print/x $v20.uint128', 'set var $v3l = 9', 'print/x $v3'],
          ['set var $fpc = 0x00800000', 'print/x $fpc', 'set var $pswm = $pswm | 0x300000000000', 'print/x $pswm'],
        ].flat(),
      );
      expect(output).toContain('= {x = 3, y = 4}');
    },
    TIMEOUT,
  );

  it(
    'lists every register that this CPU has',
    async () => {
      const output = await runGdb(await ours(), elf, ['info all-registers']);
      expect(output).not.toMatch(/Could not fetch|unavailable|warning/);
      for (const name of ['pswm', 'r15', 'acr15', 'f15', 'fpc', 'cr15'])
        expect(output).toMatch(new RegExp(`^${name} +`, 'm'));
    },
    TIMEOUT,
  );

  it(
    'stops a running program at Ctrl-C, and is told when the guest ends it',
    async () => {
      const server = await ours();
      const script = ['break touch', 'continue', 'delete', 'echo going\\n', 'continue', 'print counter > 100'];
      const end = ['set var ending = 1', 'continue'];
      const output = await runGdb(server, elf, [...script, ...end], 'going');
      expect(output).toContain('received signal SIGINT');
      expect(output).toContain('$1 = 1');
      expect(output).toContain('exited normally');
    },
    TIMEOUT,
  );
});
