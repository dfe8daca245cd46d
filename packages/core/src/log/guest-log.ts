// What a guest does wrong, and what it executes, on request (-d): categories that are off cost one test.
import { UserError } from '../object/index.ts';

/** Categories of {@link GuestLog} and what each one shows. */
export const logCategories = {
  guest_errors: 'a guest did something its hardware does not allow',
  unimp: 'a guest asked for a part of the hardware that is not modelled',
  int: 'interrupts and exceptions',
  mmu: 'page walks and faults',
  in_asm: 'guest instructions, at each translation',
  op: 'intermediate code of each translated block',
  op_opt: 'the blocks of each region that is compiled, and where they lead',
  out_asm: 'the WebAssembly module of each region, in hexadecimal',
  exec: 'each block before it is executed',
  cpu: 'CPU registers before each block',
  reset: 'resets of devices and CPUs',
} as const;

/** One category of `-d`. */
export type LogCategory = keyof typeof logCategories;

/** Where log lines go; `text` has no line end. */
export type LogSink = (category: LogCategory, text: string) => void;

/** The log of one machine. */
export class GuestLog {
  readonly #enabled = new Set<LogCategory>();
  #sink: LogSink;

  constructor(categories: Iterable<LogCategory> = [], sink: LogSink = () => {}) {
    this.#sink = sink;
    this.setCategories(categories);
  }

  /** Ask before making a text that costs something. */
  enabled(category: LogCategory): boolean {
    return this.#enabled.has(category);
  }

  /** Writes a line if its category is on. */
  write(category: LogCategory, text: string): void {
    if (this.#enabled.has(category)) this.#sink(category, text);
  }

  /** The categories that are on. */
  get categories(): readonly LogCategory[] {
    return [...this.#enabled];
  }

  setCategories(categories: Iterable<LogCategory>): void {
    const wanted = [...categories];
    this.#enabled.clear();
    for (const category of wanted) this.#enabled.add(category);
  }

  setSink(sink: LogSink): void {
    this.#sink = sink;
  }

  /**
   * Reads a list as `-d` has it: `guest_errors,unimp`; `all` is every category.
   * @throws UserError for a category that does not exist
   */
  static parseCategories(list: string): LogCategory[] {
    const known = Object.keys(logCategories).filter(isLogCategory);
    const categories = new Set<LogCategory>();
    for (const item of list.split(',').filter((text) => text !== '')) {
      if (item === 'all') for (const category of known) categories.add(category);
      else if (isLogCategory(item)) categories.add(item);
      else throw new UserError(`unknown log category '${item}', known are: ${known.join(', ')}, all`);
    }
    return [...categories];
  }
}

function isLogCategory(text: string): text is LogCategory {
  return Object.hasOwn(logCategories, text);
}
