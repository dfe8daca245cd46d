/**
 * Operation codes of the vector facility, its enhancements 1 and 2, and packed decimal in vectors. Principles of Operation, SA22-7832,
 * appendix "Instruction Lists". Lines are as in base.ts.
 */
export const VECTOR = `
vleb e700 VRX
vleh e701 VRX
vleg e702 VRX
vlef e703 VRX
vllez e704 VRX
vlrep e705 VRX
vl e706 VRX
vlbb e707 VRX
vsteb e708 VRX
vsteh e709 VRX
vsteg e70a VRX
vstef e70b VRX
vst e70e VRX
vgeg e712 VRV
vgef e713 VRV
vsceg e71a VRV
vscef e71b VRV
vlgv e721 VRS-c
vlvg e722 VRS-b
lcbb e727 RXE r1,d2(x2),m3
vesl e730 VRS-a
verll e733 VRS-a
vlm e736 VRS-a
vll e737 VRS-b v1,r3,d2
vesrl e738 VRS-a
vesra e73a VRS-a
vstm e73e VRS-a
vstl e73f VRS-b v1,r3,d2
vleib e740 VRI-a
vleih e741 VRI-a
vleig e742 VRI-a
vleif e743 VRI-a
vgbm e744 VRI-a v1,i2
vrepi e745 VRI-a
vgm e746 VRI-b
vftci e74a VRI-e
vrep e74d VRI-c
vpopct e750 VRR-a v1,v2,m3
vctz e752 VRR-a v1,v2,m3
vclz e753 VRR-a v1,v2,m3
vlr e756 VRR-a v1,v2
vistr e75c VRR-a v1,v2,m3,m5
vseg e75f VRR-a v1,v2,m3
vmrl e760 VRR-c v1,v2,v3,m4
vmrh e761 VRR-c v1,v2,v3,m4
vlvgp e762 VRR-f
vsum e764 VRR-c v1,v2,v3,m4
vsumg e765 VRR-c v1,v2,v3,m4
vcksm e766 VRR-c v1,v2,v3
vsumq e767 VRR-c v1,v2,v3,m4
vn e768 VRR-c v1,v2,v3
vnc e769 VRR-c v1,v2,v3
vo e76a VRR-c v1,v2,v3
vno e76b VRR-c v1,v2,v3
vnx e76c VRR-c v1,v2,v3
vx e76d VRR-c v1,v2,v3
vnn e76e VRR-c v1,v2,v3
voc e76f VRR-c v1,v2,v3
veslv e770 VRR-c v1,v2,v3,m4
verim e772 VRI-d
verllv e773 VRR-c v1,v2,v3,m4
vsl e774 VRR-c v1,v2,v3
vslb e775 VRR-c v1,v2,v3
vsldb e777 VRI-d v1,v2,v3,i4
vesrlv e778 VRR-c v1,v2,v3,m4
vesrav e77a VRR-c v1,v2,v3,m4
vsrl e77c VRR-c v1,v2,v3
vsrlb e77d VRR-c v1,v2,v3
vsra e77e VRR-c v1,v2,v3
vsrab e77f VRR-c v1,v2,v3
vfee e780 VRR-b
vfene e781 VRR-b
vfae e782 VRR-b
vpdi e784 VRR-c v1,v2,v3,m4
vbperm e785 VRR-c v1,v2,v3
vsld e786 VRI-d v1,v2,v3,i4
vsrd e787 VRI-d v1,v2,v3,i4
vstrc e78a VRR-d
vstrs e78b VRR-d
vperm e78c VRR-e v1,v2,v3,v4
vsel e78d VRR-e v1,v2,v3,v4
vfms e78e VRR-e v1,v2,v3,v4,m5,m6
vfma e78f VRR-e v1,v2,v3,v4,m5,m6
vpk e794 VRR-c v1,v2,v3,m4
vpkls e795 VRR-b
vpks e797 VRR-b
vfnms e79e VRR-e v1,v2,v3,v4,m5,m6
vfnma e79f VRR-e v1,v2,v3,v4,m5,m6
vmlh e7a1 VRR-c v1,v2,v3,m4
vml e7a2 VRR-c v1,v2,v3,m4
vmh e7a3 VRR-c v1,v2,v3,m4
vmle e7a4 VRR-c v1,v2,v3,m4
vmlo e7a5 VRR-c v1,v2,v3,m4
vme e7a6 VRR-c v1,v2,v3,m4
vmo e7a7 VRR-c v1,v2,v3,m4
vmalh e7a9 VRR-d v1,v2,v3,v4,m5
vmal e7aa VRR-d v1,v2,v3,v4,m5
vmah e7ab VRR-d v1,v2,v3,v4,m5
vmale e7ac VRR-d v1,v2,v3,v4,m5
vmalo e7ad VRR-d v1,v2,v3,v4,m5
vmae e7ae VRR-d v1,v2,v3,v4,m5
vmao e7af VRR-d v1,v2,v3,v4,m5
vgfm e7b4 VRR-c v1,v2,v3,m4
vmsl e7b8 VRR-d
vaccc e7b9 VRR-d v1,v2,v3,v4,m5
vac e7bb VRR-d v1,v2,v3,v4,m5
vgfma e7bc VRR-d v1,v2,v3,v4,m5
vsbcbi e7bd VRR-d v1,v2,v3,v4,m5
vsbi e7bf VRR-d v1,v2,v3,v4,m5
vclgd e7c0 VRR-a v1,v2,m3,m4,m5
vcdlg e7c1 VRR-a v1,v2,m3,m4,m5
vcgd e7c2 VRR-a v1,v2,m3,m4,m5
vcdg e7c3 VRR-a v1,v2,m3,m4,m5
vlde e7c4 VRR-a v1,v2,m3,m4
vled e7c5 VRR-a v1,v2,m3,m4,m5
vfi e7c7 VRR-a v1,v2,m3,m4,m5
wfk e7ca VRR-a v1,v2,m3,m4
wfc e7cb VRR-a v1,v2,m3,m4
vfpso e7cc VRR-a v1,v2,m3,m4,m5
vfsq e7ce VRR-a v1,v2,m3,m4
vupll e7d4 VRR-a v1,v2,m3
vuplh e7d5 VRR-a v1,v2,m3
vupl e7d6 VRR-a v1,v2,m3
vuph e7d7 VRR-a v1,v2,m3
vtm e7d8 VRR-a v1,v2
vecl e7d9 VRR-a v1,v2,m3
vec e7db VRR-a v1,v2,m3
vlc e7de VRR-a v1,v2,m3
vlp e7df VRR-a v1,v2,m3
vfs e7e2 VRR-c v1,v2,v3,m4,m5
vfa e7e3 VRR-c v1,v2,v3,m4,m5
vfd e7e5 VRR-c v1,v2,v3,m4,m5
vfm e7e7 VRR-c v1,v2,v3,m4,m5
vfce e7e8 VRR-c
vfche e7ea VRR-c
vfch e7eb VRR-c
vfmin e7ee VRR-c
vfmax e7ef VRR-c
vavgl e7f0 VRR-c v1,v2,v3,m4
vacc e7f1 VRR-c v1,v2,v3,m4
vavg e7f2 VRR-c v1,v2,v3,m4
va e7f3 VRR-c v1,v2,v3,m4
vscbi e7f5 VRR-c v1,v2,v3,m4
vs e7f7 VRR-c v1,v2,v3,m4
vceq e7f8 VRR-b
vchl e7f9 VRR-b
vch e7fb VRR-b
vmnl e7fc VRR-c v1,v2,v3,m4
vmxl e7fd VRR-c v1,v2,v3,m4
vmn e7fe VRR-c v1,v2,v3,m4
vmx e7ff VRR-c v1,v2,v3,m4
vlebrh e601 VRX
vlebrg e602 VRX
vlebrf e603 VRX
vllebrz e604 VRX
vlbrrep e605 VRX
vlbr e606 VRX
vler e607 VRX
vstebrh e609 VRX
vstebrg e60a VRX
vstebrf e60b VRX
vstbr e60e VRX
vster e60f VRX
vpkz e634 VSI
vlrl e635 VSI
vlrlr e637 VRS-d
vupkz e63c VSI
vstrl e63d VSI
vstrlr e63f VRS-d
vlip e649 VRI-h
vcvb e650 VRR-i
vcvbg e652 VRR-i
vcvd e658 VRI-i
vsrp e659 VRI-g
vcvdg e65a VRI-i
vpsop e65b VRI-g
vtp e65f VRR-g
vap e671 VRI-f
vsp e673 VRI-f
vcp e677 VRR-h
vmp e678 VRI-f
vmsp e679 VRI-f
vdp e67a VRI-f
vrp e67b VRI-f
vsdp e67e VRI-f
`;
