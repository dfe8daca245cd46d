// The host's monotonic clock, the same for all threads of the process: each thread's performance.now() counts from its own start.

const SAMPLES = 32;

/** Milliseconds between the host's clock and this thread's `performance.now()`, as exactly as some looks at both can tell. */
function measureOffset(): number {
  let least = -Infinity;
  let most = Infinity;
  for (let i = 0; i < SAMPLES; i++) {
    const before = Number(process.hrtime.bigint()) / 1e6;
    const here = performance.now();
    const after = Number(process.hrtime.bigint()) / 1e6;
    least = Math.max(least, before - here);
    most = Math.min(most, after - here);
  }
  return (least + most) / 2;
}

let offset: number | undefined;

/** Monotonic milliseconds of the host. */
export function hostTimeMs(): number {
  offset ??= measureOffset();
  return performance.now() + offset;
}
