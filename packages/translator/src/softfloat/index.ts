export { FLOAT_CLASS } from './compare.ts';
export {
  FLAG_DIVIDE_BY_ZERO,
  FLAG_INEXACT,
  FLAG_INVALID,
  FLAG_OVERFLOW,
  FLAG_UNDERFLOW,
  ROUND_DOWN,
  ROUND_NEAREST_AWAY,
  ROUND_NEAREST_EVEN,
  ROUND_ODD,
  ROUND_TOWARD_ZERO,
  ROUND_UP,
  type SoftFloatOptions,
} from './environment.ts';
export { type AnyFormatName, FLOAT_FORMATS, type FloatFormat, type FloatFormatName } from './format.ts';
export type { IntegerFormat } from './integer.ts';
export type { QuadFloat } from './quad/quad.ts';
export { createSoftFloat, type SoftFloat } from './softfloat.ts';
