/** Operation codes of the vector facility, as those in `base.ts`. */
export const VECTOR = ``;
