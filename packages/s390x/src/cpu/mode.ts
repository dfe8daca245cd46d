/**
 * The mode word: what the translation of an instruction takes for constant. `updateMode` (psw.ts) computes it from the state.
 *
 *     1:0    addressing mode as in the PSW: 0 24 bits, 1 31 bits, 3 64 bits
 *     2      problem state
 *     5:3    translation regime of data
 *     8:6    translation regime of instructions
 *     9      access-register mode: data are in the spaces that access registers name
 *     10     additional floating-point registers on (CR0)
 *     11     vector facility on (CR0)
 *     14:12  BFP rounding mode (FPC)
 *     16     a BFP exception is enabled (FPC)
 *     15     fixed-point overflow is an exception (program mask)
 *     17     the instruction is the target of EXECUTE, in the second word (execute.ts)
 *     18     program-event recording watches instructions or branches (per.ts): each instruction is a block
 */

export const AMODE_24 = 0;
export const AMODE_31 = 1;
export const AMODE_64 = 3;

export const MODE_PROBLEM = 1 << 2;
export const MODE_DATA_SHIFT = 3;
export const MODE_FETCH_SHIFT = 6;
export const MODE_AR = 1 << 9;
export const MODE_AFP_SHIFT = 10;
export const MODE_AFP = 1 << 10;
export const MODE_VECTOR_SHIFT = 11;
export const MODE_VECTOR = 1 << 11;
export const MODE_ROUNDING_SHIFT = 12;
export const MODE_FLOAT_TRAPS_SHIFT = 16;
export const MODE_FLOAT_TRAPS = 1 << 16;
export const MODE_EXECUTED = 1 << 17;
export const MODE_PER = 1 << 18;
export const MODE_FIXED_OVERFLOW_SHIFT = 15;
export const MODE_FIXED_OVERFLOW = 1 << 15;

/** Real storage. */
export const MMU_REAL = 0;
/** The first regime of the pool of address spaces. */
export const MMU_POOL = 1;
/** Data in the space and with the key that slots `explicit` say; never cached. */
export const MMU_EXPLICIT = 4;
/** Instructions with a key that is not zero; never cached. */
export const MMU_KEYED_FETCH = 5;
/** Number of regimes. */
export const MMU_MODES = 6;

export const modeAmode = (mode: number): number => mode & 3;
export const modeDataMmu = (mode: number): number => (mode >>> MODE_DATA_SHIFT) & 7;
export const modeFetchMmu = (mode: number): number => (mode >>> MODE_FETCH_SHIFT) & 7;
export const modeRounding = (mode: number): number => (mode >>> MODE_ROUNDING_SHIFT) & 7;
