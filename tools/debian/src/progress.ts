/** One step of a fetch, for a display. */
export interface FetchProgress {
  readonly phase: 'index' | 'download' | 'unpack';
  /** 0 to 100. */
  readonly percent: number;
  /** The package or index at work. */
  readonly detail: string;
}

/**
 * Reads one line of apt's status protocol (`dlstatus:item:percent:text`, apt's README.progress-reporting).
 * Other lines give undefined.
 */
export function parseAptStatus(line: string): { percent: number; text: string } | undefined {
  const match = /^dlstatus:[^:]*:([0-9.]+):(.*)$/.exec(line);
  if (!match) return undefined;
  return { percent: Math.min(100, Number(match[1])), text: match[2] ?? '' };
}
