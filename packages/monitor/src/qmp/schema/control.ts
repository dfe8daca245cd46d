// What is asked of the monitor and the program (qapi/control.json, qapi/misc.json, qapi/yank.json, qapi/introspect.json).
import { any, bool, command, enumeration, int, list, opt, str, struct, union } from './dsl.ts';

export const NameInfo = struct('NameInfo', { name: opt(str) });
export const UuidInfo = struct('UuidInfo', { UUID: str });
export const TargetInfo = struct('TargetInfo', { arch: str });
export const KvmInfo = struct('KvmInfo', { enabled: bool, present: bool });
export const IOThreadInfo = struct('IOThreadInfo', { id: str, 'thread-id': int });
export const MouseInfo = struct('MouseInfo', { name: str, index: int, current: bool, absolute: bool });

export const YankInstance = union(
  'YankInstance',
  { type: enumeration('YankInstanceType', ['block-node', 'chardev', 'migration']) },
  'type',
  {
    'block-node': struct('YankInstanceBlockNode', { 'node-name': str }),
    chardev: struct('YankInstanceChardev', { id: str }),
    migration: struct('YankInstanceMigration', {}),
  },
);

const SchemaMetaType = enumeration('SchemaMetaType', [
  'builtin',
  'enum',
  'array',
  'object',
  'alternate',
  'command',
  'event',
]);
const JSONType = enumeration('JSONType', ['string', 'number', 'int', 'boolean', 'null', 'object', 'array', 'value']);

/** What `query-qmp-schema` tells of one type, command or event. */
export const SchemaInfo = union(
  'SchemaInfo',
  { name: str, 'meta-type': SchemaMetaType, features: opt(list(str)) },
  'meta-type',
  {
    builtin: struct('SchemaInfoBuiltin', { 'json-type': JSONType }),
    enum: struct('SchemaInfoEnum', {
      members: list(struct('SchemaInfoEnumMember', { name: str })),
      values: list(str),
    }),
    array: struct('SchemaInfoArray', { 'element-type': str }),
    object: struct('SchemaInfoObject', {
      members: list(struct('SchemaInfoObjectMember', { name: str, type: str, default: opt(any) })),
      tag: opt(str),
      variants: opt(list(struct('SchemaInfoObjectVariant', { case: str, type: str }))),
    }),
    alternate: struct('SchemaInfoAlternate', {
      members: list(struct('SchemaInfoAlternateMember', { type: str })),
    }),
    command: struct('SchemaInfoCommand', { 'arg-type': str, 'ret-type': str, 'allow-oob': opt(bool) }),
    event: struct('SchemaInfoEvent', { 'arg-type': str }),
  },
);

export const CommandLineOptionInfo = struct('CommandLineOptionInfo', {
  option: str,
  parameters: list(
    struct('CommandLineParameterInfo', {
      name: str,
      type: enumeration('CommandLineParameterType', ['string', 'boolean', 'number', 'size']),
    }),
  ),
});

export const controlCommands = {
  'query-command-line-options': command({
    doc: "The program's options, and the properties of those that have some.",
    args: { option: opt(str) },
    returns: list(CommandLineOptionInfo),
    preconfig: true,
  }),
  'query-qmp-schema': command({
    doc: 'Every command, event and type, as data.',
    returns: list(SchemaInfo),
    preconfig: true,
  }),
  'query-name': command({ doc: "The guest's name (`-name`).", returns: NameInfo, preconfig: true }),
  'query-uuid': command({ doc: "The guest's UUID (`-uuid`).", returns: UuidInfo, preconfig: true }),
  'query-target': command({ doc: 'The architecture.', returns: TargetInfo, preconfig: true }),
  'query-kvm': command({ doc: 'KVM: there is none.', returns: KvmInfo }),
  'query-iothreads': command({
    doc: 'Threads for input and output: none.',
    returns: list(IOThreadInfo),
    preconfig: true,
  }),
  'query-mice': command({ doc: 'Pointing devices: none.', returns: list(MouseInfo) }),
  'query-yank': command({
    doc: 'What `yank` could cut off: nothing.',
    returns: list(YankInstance),
    oob: true,
    preconfig: true,
  }),
  yank: command({
    doc: 'Cuts connections off that hang.',
    args: { instances: list(YankInstance) },
    oob: true,
    preconfig: true,
  }),
  'human-monitor-command': command({
    doc: 'Does a line of HMP and gives what it shows.',
    args: { 'command-line': str, 'cpu-index': opt(int) },
    returns: str,
  }),
} as const;
