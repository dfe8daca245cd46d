// Every option there is: parsing, help and types come from this table. Names and meanings are QEMU's (qemu-options, 7.2).

/** One option. */
export interface OptionSpec {
  /** Other spellings. */
  readonly aliases?: readonly string[];
  /** What it takes, for the help; an option without it takes nothing. */
  readonly argument?: string;
  readonly help: string;
  readonly section: Section;
  /** Name of its group in -readconfig and -set, where it is a list of properties. */
  readonly group?: string;
  /** The properties of its group that are always there, for `query-command-line-options`. Others come from a board, a type or a format. */
  readonly parameters?: Readonly<Record<string, ParameterType>>;
}

/** QEMU's names for what a property takes (CommandLineParameterType of qapi/misc.json). */
export type ParameterType = 'string' | 'boolean' | 'number' | 'size';

export type Section =
  | 'Machine'
  | 'What it runs'
  | 'Lines and drives'
  | 'Devices'
  | 'Monitors and debugging'
  | 'The program';

export const OPTIONS = {
  machine: {
    aliases: ['M'],
    argument: '[type=]NAME[,PROP=VALUE...]',
    help: "the board, and its properties; 'help' lists the boards, 'NAME,help' the properties",
    section: 'Machine',
    group: 'machine',
    parameters: { type: 'string', accel: 'string', 'memory-backend': 'string' },
  },
  cpu: { argument: 'MODEL[,PROP=VALUE...]', help: "the CPU model; 'help' lists them", section: 'Machine' },
  smp: {
    argument: '[cpus=]N[,maxcpus=N][,sockets=N][,cores=N][,threads=N]',
    help: 'how many CPUs, and how they sit in sockets',
    section: 'Machine',
    group: 'smp-opts',
    parameters: {
      cpus: 'number',
      maxcpus: 'number',
      sockets: 'number',
      dies: 'number',
      clusters: 'number',
      cores: 'number',
      threads: 'number',
    },
  },
  m: {
    argument: '[size=]N[K|M|G|T]',
    help: 'size of the main RAM, in MiB without a suffix; more than 3840M needs Node.js 24',
    section: 'Machine',
    group: 'memory',
    parameters: { size: 'size', slots: 'number', maxmem: 'size' },
  },
  numa: {
    argument: 'node|dist|cpu|hmat-lb|hmat-cache,PROP=VALUE...',
    help: 'NUMA nodes with their memory and CPUs, their distances, and what firmware is told of their speed',
    section: 'Machine',
    group: 'numa',
    parameters: { type: 'string' },
  },
  'mem-path': {
    argument: 'PATH',
    help: 'the main RAM is this file, or a file without a name in this folder; needs Linux',
    section: 'Machine',
  },
  'mem-prealloc': { help: 'every page of the main RAM is there from the start; needs Linux', section: 'Machine' },
  accel: {
    argument: 'NAME[,PROP=VALUE...]',
    help: "how guest code is executed: 'tcg', by translation (thread=multi: each vCPU on a thread; kept-code=off: nothing translated is taken from earlier runs, or left for later ones), or 'qtest', not at all; of several the first that is usable",
    section: 'Machine',
    group: 'accel',
    parameters: {
      accel: 'string',
      thread: 'string',
      tier1: 'boolean',
      'tier1-threshold': 'number',
      'kept-code': 'boolean',
    },
  },
  icount: {
    argument: '[shift=]N[,sleep=on|off]',
    help: 'virtual time is counted in instructions, 2^N ns each; with sleep=off a guest that waits goes on at once',
    section: 'Machine',
    group: 'icount',
    parameters: { shift: 'string', sleep: 'boolean' },
  },
  seed: { argument: 'N', help: 'random numbers for the guest are the sequence of this number', section: 'Machine' },
  rtc: {
    argument: 'base=utc|localtime|DATE[,clock=host|rt|vm]',
    help: "what the real-time clock shows at the start: 2026-11-23T08:30:00, or the time it is (default) or is here; it goes on with the host's time of day, with the time since the start (rt), or with virtual time (vm)",
    section: 'Machine',
    group: 'rtc',
    parameters: { base: 'string', clock: 'string' },
  },
  kernel: {
    argument: 'FILE',
    help: 'ELF, Image, uImage, Intel HEX, S-records or raw; gzip is unpacked',
    section: 'What it runs',
  },
  initrd: { argument: 'FILE', help: "the kernel's initial RAM disk", section: 'What it runs' },
  append: { argument: 'TEXT', help: "the kernel's command line", section: 'What it runs' },
  dtb: { argument: 'FILE', help: "a device tree blob in place of the board's own", section: 'What it runs' },
  bios: {
    argument: 'FILE|none',
    help: "firmware; without it the board's usual one, if it is found",
    section: 'What it runs',
  },
  semihosting: {
    help: 'the program may ask the emulator to print, to tell the time, and to end with a status',
    section: 'What it runs',
  },
  'semihosting-config': {
    argument: 'enable=on|off[,target=auto|native][,chardev=ID][,arg=WORD...]',
    help: 'the same, said at length: the line that programs print on, and their command line',
    section: 'What it runs',
    group: 'semihosting-config',
    parameters: { enable: 'boolean', target: 'string', chardev: 'string', arg: 'string' },
  },
  boot: {
    argument: '[order=LETTERS][,menu=on|off][,strict=on|off][,splash-time=MS][,reboot-timeout=MS]',
    help: 'what firmware is told: the order of drives by letters, which no board here has a place for; a menu, only devices with a bootindex, how long a menu is shown, when to try again',
    section: 'What it runs',
    group: 'boot-opts',
    parameters: {
      order: 'string',
      once: 'string',
      menu: 'boolean',
      strict: 'boolean',
      'splash-time': 'number',
      'reboot-timeout': 'number',
    },
  },
  L: { argument: 'DIR', help: "a folder to find firmware in; 'help' lists them all", section: 'What it runs' },
  serial: {
    argument: 'LINE',
    help: 'the next serial port: stdio, file:PATH, pipe:PATH, tcp:[HOST]:PORT[,server=on], telnet:..., websocket:..., unix:PATH[,server=on], pty, null, none, chardev:ID; mon: before a line shares it with a monitor',
    section: 'Lines and drives',
  },
  nographic: {
    help: 'the first serial port and the monitor share this terminal, Ctrl-a h tells how (this is also what happens without it)',
    section: 'Lines and drives',
  },
  echr: {
    argument: 'N',
    help: 'the key with this character code takes the place of Ctrl-a',
    section: 'Lines and drives',
  },
  display: {
    argument: 'none',
    help: 'no serial port on this terminal either, unless -serial says so',
    section: 'Lines and drives',
  },
  parallel: { argument: 'none', help: 'there are no parallel ports to be had', section: 'Lines and drives' },
  netdev: {
    argument: 'socket,id=ID,listen=[HOST]:PORT|connect=HOST:PORT',
    help: 'a cable for a network card, to another emulator; stream,id=ID[,server=on],addr.type=inet|unix,addr.host=HOST,addr.port=PORT,addr.path=PATH likewise',
    section: 'Lines and drives',
    group: 'netdev',
    parameters: {
      type: 'string',
      id: 'string',
      listen: 'string',
      connect: 'string',
      server: 'boolean',
      'addr.type': 'string',
      'addr.host': 'string',
      'addr.port': 'string',
      'addr.path': 'string',
    },
  },
  net: { argument: 'none', help: 'cards are devices: -netdev and -device', section: 'Lines and drives' },
  nic: { argument: 'none', help: 'cards are devices: -netdev and -device', section: 'Lines and drives' },
  audiodev: { argument: 'none,id=ID', help: 'there is no sound to be had', section: 'Lines and drives' },
  nodefaults: { help: 'nothing that was not asked for: no serial port on this terminal', section: 'Lines and drives' },
  chardev: {
    argument: 'null|stdio|file|pipe|socket|pty|ringbuf,id=ID[,mux=on][,logfile=FILE][,PROP=VALUE...]',
    help: 'a line that a device, a serial port or a monitor uses',
    section: 'Lines and drives',
    group: 'chardev',
    parameters: {
      backend: 'string',
      mux: 'boolean',
      signal: 'boolean',
      path: 'string',
      'input-path': 'string',
      append: 'boolean',
      size: 'size',
      host: 'string',
      port: 'string',
      fd: 'number',
      to: 'number',
      ipv4: 'boolean',
      ipv6: 'boolean',
      abstract: 'boolean',
      tight: 'boolean',
      server: 'boolean',
      wait: 'boolean',
      reconnect: 'number',
      telnet: 'boolean',
      websocket: 'boolean',
      nodelay: 'boolean',
      logfile: 'string',
      logappend: 'boolean',
    },
  },
  drive: {
    argument: 'file=FILE[,if=virtio|pflash|none][,format=raw][,id=ID][,unit=N][,readonly=on][,snapshot=on]',
    help: 'a disk, or a flash chip, on a raw image',
    section: 'Lines and drives',
    group: 'drive',
    parameters: {
      file: 'string',
      if: 'string',
      format: 'string',
      media: 'string',
      unit: 'number',
      index: 'number',
      readonly: 'boolean',
      'read-only': 'boolean',
      snapshot: 'boolean',
    },
  },
  blockdev: {
    argument:
      'driver=raw|file|null-co,node-name=NAME[,file=NODE|file.driver=file,file.filename=FILE][,filename=FILE][,PROP=VALUE...]|JSON',
    help: 'an image under a name, for a device: -device virtio-blk-device,drive=NAME',
    section: 'Lines and drives',
  },
  pflash: { argument: 'FILE', help: 'a flash chip on a raw image', section: 'Lines and drives' },
  snapshot: { help: 'all drives forget what was written', section: 'Lines and drives' },
  device: {
    argument: 'TYPE[,PROP=VALUE...]|JSON',
    help: "a device; 'help' lists the types, 'TYPE,help' the properties",
    section: 'Devices',
    group: 'device',
    parameters: { driver: 'string', bus: 'string' },
  },
  object: {
    argument: 'TYPE,id=ID[,PROP=VALUE...]|JSON',
    help: "an object, such as memory-backend-file; 'help' lists the types, 'TYPE,help' the properties",
    section: 'Devices',
    group: 'object',
    parameters: { 'qom-type': 'string' },
  },
  global: {
    argument: 'TYPE.PROP=VALUE|driver=TYPE,property=PROP,value=VALUE',
    help: 'what a property of all devices of a type is, unless one says otherwise',
    section: 'Devices',
    group: 'global',
    parameters: { driver: 'string', property: 'string', value: 'string' },
  },
  load: {
    argument: 'MODULE',
    help: 'a JavaScript module with boards and devices of your own, or a function onMachine(machine): --load ./my-board.js',
    section: 'Devices',
  },
  monitor: {
    argument: 'LINE',
    help: 'a monitor for people there; lines are those of -serial',
    section: 'Monitors and debugging',
  },
  qmp: { argument: 'LINE', help: 'a monitor for programs there: QMP, in JSON', section: 'Monitors and debugging' },
  'qmp-pretty': { argument: 'LINE', help: 'the same, with JSON on several lines', section: 'Monitors and debugging' },
  mon: {
    argument: '[chardev=]ID[,mode=readline|control][,pretty=on|off]',
    help: 'a monitor on a -chardev: for people (readline, the default) or QMP (control)',
    section: 'Monitors and debugging',
    group: 'mon',
    parameters: { chardev: 'string', mode: 'string', pretty: 'boolean' },
  },
  gdb: {
    argument: 'LINE',
    help: 'waits for gdb there: tcp::PORT (of this machine alone; name a host for others), unix:PATH, stdio, chardev:ID',
    section: 'Monitors and debugging',
  },
  s: { help: 'as -gdb tcp::1234', section: 'Monitors and debugging' },
  S: { help: 'the CPUs stand still until a monitor or gdb lets them go', section: 'Monitors and debugging' },
  incoming: {
    argument: 'file:PATH',
    help: 'the machine goes on from what a monitor saved there with migrate; the other options are those of the machine saved',
    section: 'Monitors and debugging',
  },
  profile: {
    argument: '[file=]FILE[,symbols=FILE][,every=N]',
    help: "where the guest spends its instructions, sampled every N (1000000), goes there at the end: FILE.cpuprofile for developers' tools, else stacks for flamegraph.pl; symbols: an ELF file or a list as nm makes it, several times if need be",
    section: 'Monitors and debugging',
    group: 'profile',
  },
  preconfig: {
    help: 'the machine is made when a monitor says x-exit-preconfig, after set-numa-node',
    section: 'Monitors and debugging',
  },
  qtest: {
    argument: 'LINE',
    help: 'a test program drives the hardware from there; with -accel qtest it has time in its hands too',
    section: 'Monitors and debugging',
  },
  'qtest-log': { argument: 'FILE|none', help: 'what qtest says goes there', section: 'Monitors and debugging' },
  d: { argument: 'CATEGORY,...', help: "what to log; 'help' lists the categories", section: 'The program' },
  D: { argument: 'FILE', help: 'the log goes there instead of to standard error', section: 'The program' },
  'no-reboot': { help: 'a reset by the guest ends the program', section: 'The program' },
  'no-shutdown': { help: 'a shutdown by the guest stops the machine and leaves the program', section: 'The program' },
  name: {
    argument: '[guest=]NAME[,process=NAME][,debug-threads=on|off]',
    help: 'a name for process lists; debug-threads is taken because managers always give it: Node names its threads itself',
    section: 'The program',
    group: 'name',
    parameters: { guest: 'string', process: 'string', 'debug-threads': 'boolean' },
  },
  uuid: { argument: 'UUID', help: "the machine's: 8-4-4-4-12 hexadecimal digits", section: 'The program' },
  readconfig: {
    argument: 'FILE',
    help: 'more options: [GROUP "ID"] above lines of KEY = "VALUE"',
    section: 'The program',
  },
  set: {
    argument: 'GROUP.ID.PROP=VALUE',
    help: 'a property more for an earlier option: -set device.rng0.seed=7',
    section: 'The program',
  },
  'no-user-config': { help: 'no options from files of the user; there never are any', section: 'The program' },
  msg: {
    argument: 'timestamp=on|off[,guest-name=on|off]',
    help: "messages begin with the time, and with the guest's name",
    section: 'The program',
    group: 'msg',
    parameters: { timestamp: 'boolean', 'guest-name': 'boolean' },
  },
  overcommit: {
    argument: 'mem-lock=off[,cpu-pm=off]',
    help: 'RAM is not locked into the memory of the host, and CPUs that wait leave the host alone: nothing else is there',
    section: 'Machine',
    group: 'overcommit',
    parameters: { 'mem-lock': 'boolean', 'cpu-pm': 'boolean' },
  },
  daemonize: {
    help: 'the program goes on in the background once it is ready; mistakes are told before',
    section: 'The program',
  },
  'add-fd': {
    argument: 'fd=N,set=N[,opaque=TEXT]',
    help: 'an open file that the process was given: /dev/fdset/N in place of a path; needs Linux',
    section: 'The program',
    group: 'add-fd',
    parameters: { fd: 'number', set: 'number', opaque: 'string' },
  },
  action: {
    argument:
      'reboot=reset|shutdown[,shutdown=poweroff|pause][,panic=pause|shutdown|exit-failure|none][,watchdog=reset|shutdown|poweroff|pause|inject-nmi|debug|none]',
    help: 'what happens when the guest resets or shuts down the machine, cannot go on, or forgets its watchdog: reboot=shutdown is -no-reboot, shutdown=pause is -no-shutdown',
    section: 'The program',
    group: 'action',
    parameters: { reboot: 'string', shutdown: 'string', panic: 'string', watchdog: 'string' },
  },
  'watchdog-action': {
    argument: 'ACTION',
    help: 'as -action watchdog=ACTION',
    section: 'The program',
  },
  compat: {
    argument:
      '[deprecated-input=accept|reject|crash][,deprecated-output=accept|hide][,unstable-input=accept|reject|crash][,unstable-output=accept|hide]',
    help: 'what QMP does with what is deprecated (nothing is) or unstable (commands with x-)',
    section: 'The program',
    group: 'compat',
    parameters: {
      'deprecated-input': 'string',
      'deprecated-output': 'string',
      'unstable-input': 'string',
      'unstable-output': 'string',
    },
  },
  trace: {
    argument: '[enable=]PATTERN[,events=FILE][,file=FILE]',
    help: "events to be told on standard error or in a file; '*' stands for anything; 'help' lists them",
    section: 'The program',
    group: 'trace',
    parameters: { enable: 'string', events: 'string', file: 'string' },
  },
  pidfile: { argument: 'FILE', help: "the process's number goes there while the machine is", section: 'The program' },
  version: { help: 'show the version', section: 'The program' },
  help: { aliases: ['h'], help: 'show this text', section: 'The program' },
} as const satisfies Record<string, OptionSpec>;

/** Name of an option, without its dash. */
export type OptionName = keyof typeof OPTIONS;

/** Options that take an argument. */
export type ValueOption = {
  [Name in OptionName]: (typeof OPTIONS)[Name] extends { readonly argument: string } ? Name : never;
}[OptionName];

/** Options that take none. */
export type FlagOption = Exclude<OptionName, ValueOption>;

/** In the order of the help. */
export const SECTIONS: readonly Section[] = [
  'Machine',
  'What it runs',
  'Lines and drives',
  'Devices',
  'Monitors and debugging',
  'The program',
];

/** The text of -help. */
export function helpText(program: string): string {
  const lines = [
    `usage: ${program} [options]`,
    '',
    'An option may be written with one dash or two. A comma in a value is written twice.',
  ];
  for (const section of SECTIONS) {
    lines.push('', `${section}:`);
    for (const [name, spec] of Object.entries<OptionSpec>(OPTIONS)) {
      if (spec.section !== section) continue;
      const names = [...(spec.aliases ?? []), name].map((spelling) => `-${spelling}`).join(', ');
      lines.push(`  ${names}${spec.argument === undefined ? '' : ` ${spec.argument}`}`, `        ${spec.help}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
