/** Operation codes of the floating-point instructions, as those in `base.ts`: support, and binary floating point. */
export const FLOAT = `
ldr 28 RR
ler 38 RR
std 60 RX-a
ld 68 RX-a
ste 70 RX-a
le 78 RX-a
ldy ed65 RXY-a
ley ed64 RXY-a
stdy ed67 RXY-a
stey ed66 RXY-a
lxr b365 RRE
lpdfr b370 RRE
lndfr b371 RRE
cpsdr b372 RRF-b
lcdfr b373 RRE
lzer b374 RRE r1
lzdr b375 RRE r1
lzxr b376 RRE r1
sfpc b384 RRE
sfasr b385 RRE
efpc b38c RRE
ldgr b3c1 RRE
lgdr b3cd RRE
`;
