/** Facilities that instructions belong to: without them the operation code is invalid. Those that are not named are in every CPU. */
import type { Facility } from '../facilities.ts';

const MEMBERS: Readonly<Partial<Record<Facility, string>>> = {
  eimm: 'afi agfi alfi algfi cfi cgfi clfi clgfi flogr iihf iilf nihf nilf oihf oilf xihf xilf llihf llilf lgfi lb lgb lbr lgbr lhr lghr llc llh llcr llhr llgcr llghr lt ltg slfi slgfi',
  etf2: 'clclu mvclu pka pku tp troo trot trto trtt unpka unpku',
  etf3: 'cu14 cu24 cu41 cu42 srstu trtr',
  parseh: 'trte trtre',
  stckf: 'stckf',
  mvcos: 'mvcos',
  ectg: 'ectg',
  csst: 'csst',
  edat: 'pfmf',
  ginste:
    'agsi algsi alsi asi crb cgrb crj cgrj cib cgib cij cgij crt cgrt cit cgit cgh chhsi chsi cghsi chrl cghrl clhhsi clfhsi clghsi clrb clgrb clrj clgrj clib clgib clij clgij clrt clgrt clfit clgit clhrl clghrl crl cgrl cgfrl clrl clgrl clgfrl ecag laey lhrl lghrl llhrl llghrl lrl lgrl lgfrl llgfrl ltgf mfy mhy msfi msgfi mvhhi mvhi mvghi pfd pfdrl risbg rnsbg rosbg rxsbg strl stgrl sthrl',
  exrl: 'exrl',
  fpe: 'celfbr cdlfbr celgbr cdlgbr clfebr clfdbr clgebr clgdbr cxlfbr cxlgbr clfxbr clgxbr srnmb',
  fpseh: 'cpsdr lcdfr lndfr lpdfr ldgr lgdr sfasr lfas srnmt',
  stfle45:
    'ahhhr ahhlr aih alhhhr alhhlr alsih alsihn brcth chhr chlr chf cih clhhr clhlr clhf clih lbh lhh lfh llch llhh risbhg risblg stch sthh stfh shhhr shhlr slhhhr slhhlr laa laag laal laalg lan lang lao laog lax laxg lpd lpdg locr locgr loc locg stoc stocg ark agrk ahik aghik alrk algrk alhsik alghsik nrk ngrk ork ogrk xrk xgrk srk sgrk slrk slgrk srak slak srlk sllk popcnt',
  stfle49: 'bpp bprp niai ppa lat lgat lfhat llgfat llgtat clt clgt risbgn',
  stfle53: 'locfh locfhr lochi locghi lochhi stocfh lzrf lzrg llzrgf',
  minste2: 'agh sgh bic mg mgh mgrk msc msgc msrkc msgrkc',
  minste3: 'mvcrl ncrk ncgrk nnrk nngrk nork nogrk nxrk nxgrk ocrk ocgrk selr selgr selfhr',
  zpci: 'clp pcilg pcistg pcistb mpcifc stpcifc rpcit',
  ais: 'sic',
  vx: 'vleb vleh vleg vlef vllez vlrep vl vlbb vsteb vsteh vsteg vstef vst vgeg vgef vsceg vscef vlgv vlvg lcbb vesl verll vlm vll vesrl vesra vstm vstl vleib vleih vleig vleif vgbm vrepi vgm vftci vrep vpopct vctz vclz vlr vistr vseg vmrl vmrh vlvgp vsum vsumg vcksm vsumq vn vnc vo vno vx veslv verim verllv vsl vslb vsldb vesrlv vesrav vsrl vsrlb vsra vsrab vfee vfene vfae vpdi vstrc vperm vsel vfms vfma vpk vpkls vpks vmlh vml vmh vmle vmlo vme vmo vmalh vmal vmah vmale vmalo vmae vmao vgfm vaccc vac vgfma vsbcbi vsbi vclgd vcdlg vcgd vcdg vlde vled vfi wfk wfc vfpso vfsq vupll vuplh vupl vuph vtm vecl vec vlc vlp vfs vfa vfd vfm vfce vfche vfch vavgl vacc vavg va vscbi vs vceq vchl vch vmnl vmxl vmn vmx',
  vxeh: 'vnx vnn voc vbperm vmsl vfmin vfmax vfnma vfnms',
  vxeh2: 'vlebrh vlebrg vlebrf vllebrz vlbrrep vlbr vler vstebrh vstebrg vstebrf vstbr vster vsld vsrd vstrs',
  vxpd: 'vpkz vlrl vlrlr vupkz vstrl vstrlr vlip vcvb vcvbg vcvd vsrp vcvdg vpsop vtp vap vsp vcp vmp vmsp vdp vrp vsdp',
};

const needs = new Map<string, Facility>();
for (const facility of Object.keys(MEMBERS) as Facility[]) {
  for (const mnemonic of membersOf(facility)) needs.set(mnemonic, facility);
}

/** The facility that an instruction needs. */
export function requirement(mnemonic: string): Facility | undefined {
  return needs.get(mnemonic);
}

/** The instructions that a facility is made of. */
export function membersOf(facility: Facility): readonly string[] {
  return (MEMBERS[facility] ?? '').split(' ').filter((mnemonic) => mnemonic !== '');
}
