/**
 * The mode word: what the translation of an instruction takes for constant. It is part of a block's key, so an instruction
 * looks these up while it is translated, at no cost when it runs. `updateMode` (trap.ts) computes it from the state.
 *
 *     1:0  privilege of the hart: 0 user, 1 supervisor, 3 machine
 *     4:2  MMU index of loads and stores (follows mstatus.MPRV, MPP, SUM and MXR)
 *     6:5  floating point: 0 off (any use is an illegal instruction), 1 on, 2 on and mstatus.FS is already dirty
 *     9:7  frm, the dynamic rounding mode; 5 to 7 are reserved: instructions that use it are illegal
 */

/** Privilege levels as mstatus.MPP encodes them. */
export const PRIV_U = 0;
export const PRIV_S = 1;
export const PRIV_M = 3;

/**
 * MMU indices: one translation cache each, so that switching privilege, SUM or MXR flushes nothing.
 * Adding `MMU_MXR` to a user or supervisor index makes executable pages readable.
 */
export const MMU_U = 0;
export const MMU_S = 1;
export const MMU_S_SUM = 2;
export const MMU_M = 3;
export const MMU_MXR = 4;
/** Number of MMU indices. */
export const MMU_MODES = 7;

export const FP_OFF = 0;
export const FP_ON = 1;
export const FP_DIRTY = 2;

export const MODE_MMU_SHIFT = 2;
export const MODE_FP_SHIFT = 5;
export const MODE_FRM_SHIFT = 7;

/** The mode word after reset: machine mode, no floating point. */
export const MODE_RESET = PRIV_M | (MMU_M << MODE_MMU_SHIFT);

/** Privilege of the hart. */
export const modePriv = (mode: number): number => mode & 3;

/** MMU index of loads and stores. */
export const modeDataMmu = (mode: number): number => (mode >>> MODE_MMU_SHIFT) & 7;

/** `FP_OFF`, `FP_ON` or `FP_DIRTY`. */
export const modeFp = (mode: number): number => (mode >>> MODE_FP_SHIFT) & 3;

/** The dynamic rounding mode. */
export const modeFrm = (mode: number): number => (mode >>> MODE_FRM_SHIFT) & 7;
