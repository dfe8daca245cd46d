/**
 * Debian's gdb on a bare program. The same scripts run on QEMU's stub: what gdb prints has to be the same, but for what is
 * named here. Skipped with a printed reason where gdb, QEMU or the cross compiler are not installed.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type GdbServer, missingTools, runGdb, serveOnQemu, serveProgram, Workshop } from './server.ts';

if (missingTools.length > 0) console.log(`gdb is not tested: ${missingTools.join(', ')} not installed`);

describe.skipIf(missingTools.length > 0)('gdb on a bare program', () => {
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

  async function ours(gdb = {}): Promise<Awaited<ReturnType<typeof serveProgram>>> {
    const server = await serveProgram(workshop, elf, gdb);
    servers.push(server);
    return server;
  }

  async function qemus(): Promise<GdbServer> {
    const server = await serveOnQemu(workshop, elf);
    servers.push(server);
    return server;
  }

  /** What gdb prints on both: the same. */
  async function onBoth(script: readonly string[]): Promise<string> {
    const [our, their] = [await ours(), await qemus()];
    const [mine, expected] = [await runGdb(our, elf, script), await runGdb(their, elf, script)];
    expect(mine.replaceAll(our.socket, 'SOCKET')).toBe(expected.replaceAll(their.socket, 'SOCKET'));
    return mine;
  }

  it('steps, finishes, and shows where it is, as on QEMU', async () => {
    const output = await onBoth(
      [
        ['break main', 'continue', 'info registers pc', 'next', 'step', 'bt', 'info args', 'finish', 'stepi', 'nexti'],
        ['hbreak factorial', 'continue', 'continue', 'continue', 'bt', 'info breakpoints', 'delete', 'finish'],
        ['x/6i $pc', 'info registers', 'info line', 'until', 'up', 'print $pc'],
      ].flat(),
    );
    expect(output).toContain('#2  0x');
    expect(output).toContain('factorial (n=n@entry=3)');
  });

  it('stops at reads, writes and accesses of watched memory, as on QEMU', async () => {
    const output = await onBoth(
      [
        ['break touch', 'continue', 'delete', 'watch counter', 'rwatch watched[1]', 'awatch watched[2]'],
        ['continue', 'continue', 'continue', 'continue', 'continue', 'continue', 'info registers pc a5'],
        ['delete', 'watch counter if counter == 30', 'continue', 'print counter'],
      ].flat(),
    );
    expect(output).toContain('Hardware read watchpoint 3: watched[1]');
    expect(output).toContain('$1 = 30');
  });

  it('shows and changes registers and memory, as on QEMU', async () => {
    const output = await onBoth(
      [
        [
          'break scale',
          'continue',
          'info registers fa0 fs0 f0',
          'finish',
          'print ratio',
          'set var ratio = 0.25',
          'print ratio',
        ],
        ['set var $a5 = 0x1234', 'print/x $a5', 'set var $ft3 = 2.5', 'print $ft3', 'set var $zero = 7', 'print $zero'],
        [
          'set var watched[3] = 99',
          'x/4dw &watched',
          'print origin',
          'print/x $mstatus',
          'print/x $mhartid',
          'print/x $mtvec',
        ],
        [
          'set var $mscratch = 0x55',
          'print/x $mscratch',
          'print/x $mepc',
          'print $priv',
          'print/x $mie',
          'print/x $satp',
        ],
        ['set var $mstatus = 0', 'print/x $mstatus', 'x/2xw 0x80000000', 'x/1xw 0x1000', 'x/1xw 0x50'],
        ['set var *(int*)0x80000000 = 0x12345678', 'x/1xw 0x80000000', 'print $nothing'],
      ].flat(),
    );
    expect(output).toContain('Cannot access memory at address 0x50');
    expect(output).toContain('$1 = 3');
  });

  it('takes vCPUs for threads, as QEMU does', async () => {
    // Where the other hart is meanwhile is a matter of time: nothing here shows it.
    const output = await onBoth(
      [
        ['info threads', 'break second', 'continue', 'bt', 'thread apply 1 -q print $mhartid'],
        ['delete', 'set scheduler-locking on', 'stepi', 'stepi', 'x/i $pc', 'thread apply all print $mhartid'],
      ].flat(),
    );
    expect(output).toContain('CPU#1 [running]');
  });

  it('lets the other vCPU run or stand while one steps', async () => {
    const script = [
      'break main',
      'continue',
      'set scheduler-locking on',
      'set var $before = second_hart_turns',
      'next',
    ];
    const held = await runGdb(await ours(), elf, [...script, 'print second_hart_turns == $before']);
    expect(held).toContain('$1 = 1');
    const both = ['echo going\\n', 'continue', 'print second_hart_turns > 0 && counter > 100'];
    expect(await runGdb(await ours(), elf, both, 'going')).toContain('$1 = 1');
  });

  it('lists every control and status register that this hart has', async () => {
    const output = await runGdb(await ours(), elf, ['info registers csr', 'info all-registers']);
    expect(output).not.toMatch(/Could not fetch|unavailable|warning/);
    for (const name of ['fcsr', 'sstatus', 'stimecmp', 'mstatus', 'pmpaddr15', 'mcycle', 'instret', 'mconfigptr']) {
      expect(output).toMatch(new RegExp(`^${name} +0x`, 'm'));
    }
  });

  it('stops a running program at Ctrl-C, and lets it go on when it detaches', async () => {
    const server = await ours();
    const script = ['break touch', 'continue', 'delete', 'echo going\\n', 'continue', 'print counter > 100', 'detach'];
    const output = await runGdb(server, elf, script, 'going');
    expect(output).toContain('received signal SIGINT');
    expect(output).toContain('$1 = 1');
    expect(server.machine.state).toBe('running');
    // The next debugger finds it running, and stops it.
    const again = await runGdb(server, elf, ['print counter > 100', 'info breakpoints', 'detach']);
    expect(again).toContain('$1 = 1');
    expect(again).toContain('No breakpoints');
  });

  it('ends the program when it is killed, and tells gdb when the guest ends it', async () => {
    const killed = await ours();
    await runGdb(killed, elf, ['kill']);
    expect(killed.quits).toBe(1);
    const output = await runGdb(await ours(), elf, [
      'break touch',
      'continue',
      'set var ending = 1',
      'delete',
      'continue',
    ]);
    expect(output).toContain('exited normally');
  });

  it('passes monitor commands on', async () => {
    const server = await ours({ monitorCommand: (line: string) => `you said ${line}\n`.repeat(500) });
    const output = await runGdb(server, elf, ['monitor info status']);
    expect(output.match(/you said info status\n/g)).toHaveLength(500);
    expect(await runGdb(await ours(), elf, ['monitor info status'])).toMatch(/^VM status: paused/m);
  });

  it('loads memory and compares it', async () => {
    const output = await runGdb(await ours(), elf, ['set var *(int*)main = 0', 'load', 'compare-sections', 'x/i $pc']);
    expect(output).toMatch(/Section \.text, .*: matched/);
    expect(output).not.toContain('MIS-MATCHED');
  });

  it('steps with interrupts and timers as qqemu.sstep says', async () => {
    const script = ['maint packet qqemu.sstepbits', 'maint packet Qqemu.sstep=5', 'maint packet qqemu.sstep'];
    const physical = ['maint packet Qqemu.PhyMemMode:1', 'x/1xw 0x80000000', 'maint packet Qqemu.PhyMemMode:0'];
    const output = await onBoth([...script, ...physical, 'maint packet Qqemu.sstep=7', 'maint packet qqemu.sstep']);
    expect(output).toContain('received: "0x5"');
  });
});
