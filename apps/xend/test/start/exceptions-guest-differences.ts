/**
 * Where our guest is told something else than the one on a real Xen in QEMU (tools/guests/exceptions/real-xen-4.17.txt), by the name of the test,
 * with what ours is told and why.
 */
export const DIFFERENCES: Readonly<Record<string, string>> = {
  // QEMU raises #GP for non-canonical addresses of the stack segment; a processor #SS (SDM vol. 3 6.15), and ignores DS prefixes in 64-bit mode.
  'non-canonical read by rbp': 'SS(0) +a cs=e033 fl=10200 sp=stack-0 ss=e02b;',
  'non-canonical stack': 'SS(0) +a cs=e033 fl=10200 sp=800000000000 ss=e02b;',
  'non-canonical ds: by rbp': 'SS(0) +a cs=e033 fl=10200 sp=stack-0 ss=e02b;',
  // QEMU jumps first and faults at the target; an Intel processor faults at the jump, and at IRET without RF.
  'non-canonical jump': 'GP(0) +a cs=e033 fl=10200 sp=stack-0 ss=e02b;',
  'non-canonical ret': 'GP(0) +b cs=e033 fl=10200 sp=stack-8 ss=e02b;',
  'iret in syscall, non-canonical': 'GP(0) 800000000000 cs=e033 fl=200 sp=stack-0 ss=e02b;',
  'iret non-canonical kernel': 'GP(0) 800000000000 cs=e030 fl=200 sp=stack-0 ss=e02b;',
  'iret non-canonical user': 'GP(0) 800000000000 cs=e033 fl=200 sp=stack-0 ss=e02b;',
  // Xen's direct map is there on a real Xen, for nobody but Xen; here it is not.
  'pf hypervisor user': 'PF(4) +a cs=e033 fl=10200 sp=stack-0 ss=e02b cr2=ffff830000000000;',
  'pf hypervisor write kernel': 'PF(2) +a cs=e030/1 fl=10000 sp=stack-0 ss=e02b cr2=ffff830000000000 mask=1;',
  // QEMU knows neither #AC nor #XM.
  'xm user': 'XM +15 cs=e033 fl=10200 sp=stack-8 ss=e02b;',
  'ac user': 'AC(0) +9 cs=e033 fl=50200 sp=stack-0 ss=e02b;',
  'ac kernel': 'AC(0) +9 cs=e030/1 fl=50000 sp=stack-0 ss=e02b mask=1;',
  // SYSENTER in long mode is Intel's; QEMU's processor was AMD's.
  'sysenter compat': 'sysenter 0 cs=3 fl=200 sp=stack-0 ss=e02b mask=1;',
  'sysenter user with nt': 'sysenter 0 cs=3 fl=4200 sp=stack-0 ss=e02b mask=1;',
  // Xen 4.17 loses the mask that is to clear DF here (create_bounce_frame uses its register); we clear DF, as it means to.
  'syscall user with df tf-less flags':
    'syscall +8 cs=e033 fl=600 sp=stack-0 ss=e02b mask=1; UD +8 cs=e033 fl=10600 sp=stack-0 ss=e02b mask=1 R11=600 live=600 rax=3333;',
  // QEMU raises #NP where SS is absent; IRET raises #SS (SDM vol. 2).
  'iret absent ss': 'SS(28) +28 cs=e033 fl=200 sp=stack-0 ss=2b;',
  // QEMU takes L and D set together; a processor refuses them.
  'iret cs with l and d': 'GP(50) +28 cs=53 fl=200 sp=stack-0 ss=e02b;',
  'far return to 0x53': 'GP(50) +a cs=e033 fl=10200 sp=stack-10 ss=e02b;',
  'far jump to 0x53': 'GP(50) +12 cs=e033 fl=10200 sp=stack-0 ss=e02b;',
  // QEMU does not look at segment limits, and keeps the upper half of RIP.
  'iret to compat above its limit': 'GP(0) 200000 cs=7b fl=200 sp=stack-0 ss=1b;',
  'iret to compat above 4G': 'PF(14) 56789abc cs=23 fl=10200 sp=stack-0 ss=1b cr2=56789abc;',
  // QEMU's IRET leaves VIF and VIP alone, its SYSRET restores RF; a processor does the opposite.
  'iret flags all':
    'DB +29 cs=e033 fl=3c4700 sp=stack-0 ss=e02b dr6=ffff4ff0 R11=380600 live=380600; UD +29 cs=e033 fl=3d4700 sp=stack-0 ss=e02b mask=1 R11=380600 live=380600 rax=a;',
  'iret flags vif vip vm iopl': 'UD +2d cs=e033 fl=190200 sp=stack-0 ss=e02b mask=1 R11=180200 live=180200 rax=180202;',
  'iret flags in syscall all':
    'DB +2b cs=e033 fl=3c4700 sp=stack-0 ss=e02b dr6=ffff4ff0 R11=380600 live=380600; DB +2c cs=e033 fl=3c4700 sp=stack-0 ss=e02b dr6=ffff4ff0 R11=380600 live=380600;',
  // QEMU's IRET sets no accessed bits.
  'lar 0x13': 'UD +16 cs=e033 fl=10200 sp=stack-0 ss=e02b mask=1 rax=a0fb00;',
  'lar 0x3b': 'UD +16 cs=e033 fl=10200 sp=stack-0 ss=e02b mask=1 rax=c0f900;',
  'lar 0x7b': 'UD +16 cs=e033 fl=10200 sp=stack-0 ss=e02b mask=1 rax=40fb00;',
  'lar 0xf': 'UD +16 cs=e033 fl=10200 sp=stack-0 ss=e02b mask=1 rax=a0fb00;',
  // QEMU does not hold back what a load of SS meets.
  'mov ss holds back':
    'DB +29 cs=e030/1 fl=0 sp=stack-0 ss=e02b dr6=ffff0ff1 mask=1; DB +2c cs=e030/1 fl=0 sp=stack-0 ss=e02b dr6=ffff0ff1 mask=1; UD +2c cs=e030/1 fl=10000 sp=stack-0 ss=e02b mask=1 rax=0;',
  // QEMU reports one breakpoint of several, and ends a repetition's round behind the instruction.
  'two at once, one not enabled':
    'DB +42 cs=e030/1 fl=0 sp=stack-0 ss=e02b dr6=ffff0ff3 mask=1; UD +42 cs=e030/1 fl=10000 sp=stack-0 ss=e02b mask=1 rax=0;',
  'string stops after the round':
    'DB +2b cs=e030/1 fl=0 sp=stack-0 ss=e02b dr6=ffff0ff1 mask=1; UD +30 cs=e030/1 fl=10000 sp=stack-0 ss=e02b mask=1 rax=0;',
  // Beyond the last leaf an Intel processor repeats it.
  'single step of cpuid user':
    'DB +b cs=e033 fl=300 sp=stack-0 ss=e02b dr6=ffff4ff0; UD +b cs=e033 fl=10300 sp=stack-0 ss=e02b mask=1 rax=3e8;',
  // QEMU loops for ever in Xen's #DB handler: not recorded.
  'single step of int':
    'int40 +b cs=e033 fl=10300 sp=stack-0 ss=e02b; UD +b cs=e033 fl=10300 sp=stack-0 ss=e02b mask=1 rax=3333;',
  'single step into a fault': 'PF(4) +9 cs=e033 fl=10300 sp=stack-0 ss=e02b cr2=absent+0;',
  'breakpoint and step':
    'DB +2d cs=e030/1 fl=100 sp=stack-0 ss=e02b dr6=ffff4ff1 mask=1; UD +2d cs=e030/1 fl=10100 sp=stack-0 ss=e02b mask=1 rax=0;',
}
