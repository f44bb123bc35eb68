import {
  __HYPERVISOR_fpu_taskswitch,
  __HYPERVISOR_iret,
  __HYPERVISOR_mmu_update,
  __HYPERVISOR_mmuext_op,
  __HYPERVISOR_set_segment_base,
  __HYPERVISOR_stack_switch,
  CALLBACKTYPE_event,
  CALLBACKTYPE_syscall,
  DOMID_IO,
  DOMID_SELF,
  FLAT_RING3_CS32,
  FLAT_RING3_CS64,
  FLAT_RING3_SS64,
  MMUEXT_INVLPG_LOCAL,
  MMUEXT_TLB_FLUSH_LOCAL,
} from '@paravane/core/abi'
import { expect, test } from 'vitest'
import { PTE } from '../../src/mmu/walk-code.ts'
import { PV, TRAP_MASKS_EVENTS, VECTOR } from '../../src/pv/pv-state.ts'
import { setMode } from '../../src/state/domain-memory.ts'
import { CPU } from '../../src/state/layout.ts'
import { USER_ROOT } from './entry-machine.ts'
import { EntryMachines } from './entry-machines.ts'
import { putTables, TABLE, tableUpdate } from './entry-tables.ts'
import { Random } from './random.ts'

const PROGRAM = 0x400000n
const [SYSCALL_ENTRY, EVENT_ENTRY, PF_ENTRY, OTHER_ENTRY] = [0x401000n, 0x402000n, 0x403000n, 0x404000n]
/** Two pages, with one below that may only be read, and nothing above. */
const STACK = 0x500000n
const [WRITABLE, READ_ONLY, KERNELS, NO_EXECUTE, NOT_THERE, ABSENT, NO_FRAME] = Array.from(
  { length: 7 },
  (_, n) => 0x600000n + BigInt(n) * 0x1000n,
)
const ABSENT_GMFN = 490
const NOT_CANONICAL = 0x8000_0000_0000n
const RESULT_OF_M2P = 0xffff_8000_0000_0100n
/** jmp to itself */
const STAY = [0xeb, 0xfe]

/** At multiples of 16 of PROGRAM: instructions that enter the kernel, by RBX where they fault. */
const INSTRUCTIONS: readonly (readonly number[])[] = [
  [0x0f, 0x05], // syscall
  [0x66, 0x0f, 0x05], // syscall, with a prefix
  [0x48, 0x8b, 0x03], // mov rax, [rbx]
  [0x48, 0x89, 0x03], // mov [rbx], rax
  [0x48, 0x01, 0x03], // add [rbx], rax
  [0xff, 0x33], // push [rbx]
  [0xff, 0xe3], // jmp rbx
  [0xff, 0x13], // call [rbx]
  [0x48, 0x0f, 0xc7, 0x33], // vmptrld or rdrand: #UD
  [0x0f, 0x11, 0x03], // movups [rbx], xmm0
  [0x48, 0x0f, 0xc1, 0x03], // xadd [rbx], rax
  [0x8f, 0x03], // pop [rbx]
  [0x48, 0xcf], // iretq
  [0xcf], // iretd
  [0x48, 0x0f, 0xae, 0x43, 0x40], // fxsave64 [rbx + 0x40]
  [0x48, 0x0f, 0xae, 0x4b, 0x40], // fxrstor64 [rbx + 0x40]
  [0x49, 0x0f, 0xae, 0x4c, 0x24, 0x40], // fxrstor64 [r12 + 0x40]
  [0x0f, 0xae, 0x4b, 0x40], // fxrstor [rbx + 0x40]
  [0x48, 0x87, 0x03], // xchg [rbx], rax: what follows is done to tables
  [0x4c, 0x87, 0x4b, 0x08], // xchg [rbx + 8], r9
  [0x49, 0x87, 0x04, 0x24], // xchg [r12], rax
  [0x48, 0x87, 0x83, 0x08, 0x00, 0x00, 0x00], // xchg [rbx + 8], rax, with 32 bits of displacement
  [0x87, 0x03], // xchg [rbx], eax
  [0xf0, 0x48, 0x0f, 0xba, 0x33, 0x01], // lock btr qword [rbx], 1
]
const [IRETQ, FXSAVE, FIRST_OF_TABLES] = [12, 14, 18]
const STAYING = PROGRAM + 0xf00n

const ENTRIES = [SYSCALL_ENTRY, EVENT_ENTRY, PF_ENTRY, OTHER_ENTRY] as const

function machines(options: ConstructorParameters<typeof EntryMachines>[0] = {}): EntryMachines {
  const both = new EntryMachines(options)
  const program = new Uint8Array(4096)
  for (const [n, bytes] of INSTRUCTIONS.entries()) program.set([...bytes, ...STAY], n * 16)
  program.set(STAY, Number(STAYING - PROGRAM))
  both.map({ va: PROGRAM }, program)
  for (const va of ENTRIES) both.map({ va }, Uint8Array.from(STAY))
  both.map({ va: STACK - 0x1000n, writable: false })
  both.map({ va: STACK })
  both.map({ va: STACK + 0x1000n })
  both.map({ va: WRITABLE })
  both.map({ va: READ_ONLY, writable: false })
  both.map({ va: KERNELS, user: false })
  both.map({ va: NO_EXECUTE, executable: false })
  both.map({ va: ABSENT, frame: ABSENT_GMFN })
  both.map({ va: NO_FRAME, frame: 0x123456 })
  putTables(both)
  both.makeUserRoot()
  both.each((vcpu, machine) => {
    const { views } = machine
    views.i32[(vcpu.i32(CPU.PHYSMAP) >> 2) + ABSENT_GMFN] = 1
    // An entry in WebAssembly may look for the code it goes to before the limit ends the run, as a processor fetches ahead.
    for (const va of ENTRIES) views.u64[machine.entry(va) >> 3] |= BigInt(PTE.A)
    for (const vector of [VECTOR.UD, VECTOR.GP, VECTOR.SS, VECTOR.DB, VECTOR.NP])
      vcpu.setU64(PV.TRAPS + vector * PV.TRAP_BYTES, OTHER_ENTRY)
  })
  both.descriptor(2, 0x00affb000000ffffn)
  both.descriptor(4, 0x00cffb000000ffffn)
  return both
}

const RFLAGS = [0x202n, 0x2n, 0x10202n, 0x102n, 0x40202n, 0x4202n, 0x23202n, 0x200a97n, 0xffff_ffff_ffffn] as const

/** As fxsave writes it, and with bits that it does not write. */
function fxImage(random: Random): Uint8Array {
  const words = BigUint64Array.from({ length: 64 }, () => random.bits64())
  words[3] = random.mostly(0xffff_0000_1f80n, 0x1_0000n, random.bits64())
  return new Uint8Array(words.buffer)
}

/** A random state before an instruction of INSTRUCTIONS. */
function prepare(both: EntryMachines, random: Random): string {
  const instruction = random.one(0, 0, 0, IRETQ + random.below(4), random.below(INSTRUCTIONS.length))
  const isFx = instruction >= FXSAVE && instruction < FIRST_OF_TABLES
  const toTable = instruction >= FIRST_OF_TABLES
  const user = random.below(3) > (toTable ? 1 : 0)
  const stack = (): bigint =>
    random.mostly(
      STACK + 0x800n + BigInt(random.below(64)),
      STACK + 0x1020n,
      STACK + 0x20n,
      STACK - 0x100n,
      STACK + 0x2008n,
      NOT_CANONICAL,
      RESULT_OF_M2P,
      0n,
    )
  const [rsp, kernelSp] = [stack(), stack()]
  const gpr = Array.from({ length: 16 }, () => random.bits64())
  const number = random.one(
    ...[__HYPERVISOR_iret, __HYPERVISOR_iret, __HYPERVISOR_mmu_update, __HYPERVISOR_mmu_update, __HYPERVISOR_mmuext_op],
    ...[__HYPERVISOR_stack_switch, __HYPERVISOR_set_segment_base, __HYPERVISOR_fpu_taskswitch, 126],
  )
  gpr[0] = random.mostly(BigInt(number), 0xffff_ffff_0000_0017n)
  gpr[7] = BigInt(random.below(5))
  gpr[6] = random.mostly(random.bits64() >> 17n, random.bits64())
  gpr[3] = BigInt.asUintN(
    64,
    random.one(
      WRITABLE,
      READ_ONLY,
      KERNELS,
      NO_EXECUTE,
      NOT_THERE,
      NOT_THERE,
      ABSENT,
      NO_FRAME,
      NOT_CANONICAL,
      RESULT_OF_M2P,
    ) + BigInt(random.mostly(0x100, 0xffe, 0)),
  )
  gpr[4] = rsp
  const update = tableUpdate(random)
  const isFlush = number === __HYPERVISOR_mmuext_op
  if ((isFlush || number === __HYPERVISOR_mmu_update) && instruction <= 1) {
    gpr[7] = random.mostly(WRITABLE + 0x100n, WRITABLE + 0xff8n, NOT_THERE, NOT_CANONICAL, RESULT_OF_M2P, KERNELS)
    gpr[6] = random.mostly(BigInt(1 + random.below(5)), 0n, 0x8000_0001n, 0x1_0000_0001n)
    gpr[2] = random.mostly(0n, WRITABLE + 0x200n, NOT_THERE)
    gpr[10] = random.mostly(BigInt(DOMID_SELF), 0x2_7ff0n, BigInt(DOMID_IO), 0x1_0000_7ff0n)
  }
  if (toTable) {
    gpr[3] = gpr[12] = TABLE + BigInt(random.mostly(random.below(64) * 8, random.below(512), 0xff8))
    gpr[0] = gpr[9] = update.entries[0]
  }
  const compat = user && random.below(16) === 0 ? 1 : 0
  const words: readonly (readonly [number, bigint])[] = [
    [CPU.RIP, PROGRAM + BigInt(instruction) * 16n],
    [CPU.FZ, random.one(0n, 1n, random.bits64())],
    [CPU.FS, random.bits64()],
    [CPU.FC, random.bits64()],
    [CPU.DF, BigInt(random.below(2))],
    [CPU.RFLAGS, random.mostly(0x202n, 0x200202n, 0x4202n, 0x302n, 0x40202n)],
    [CPU.ICOUNT, 1000n],
    [CPU.FSBASE, random.bits64() >> 17n],
    [CPU.GSBASE, random.bits64() >> 17n],
    [PV.GS_KERNEL, random.bits64() >> 17n],
    [PV.GS_USER, random.bits64() >> 17n],
    [PV.KERNEL_SP, kernelSp],
    [PV.RESUME_AT, random.one(0n, 1001n, 1002n)],
    [PV.CALLBACKS + CALLBACKTYPE_syscall * 8, random.mostly(SYSCALL_ENTRY, 0n, NOT_THERE)],
    [PV.CALLBACKS + CALLBACKTYPE_event * 8, random.mostly(EVENT_ENTRY, 0n)],
    [PV.TRAPS + VECTOR.PF * PV.TRAP_BYTES, random.mostly(PF_ENTRY, 0n, NOT_THERE)],
  ]
  const halves: readonly (readonly [number, number])[] = [
    [CPU.COMPAT, compat],
    [PV.CALLBACK_MASKS, random.below(8)],
    [PV.CS, random.one(FLAT_RING3_CS64, 0x33, 0x10)],
    [PV.SS, random.one(FLAT_RING3_SS64, 0x2b, 0)],
    [PV.NMI_MASKED, random.mostly(0, 1)],
    [PV.USER_CACHED, random.below(2)],
    [PV.TASK_SWITCHED, 0],
    [PV.GDT_ENTRIES, random.mostly(512, 3, 0)],
    [PV.USER_ROOT, user ? USER_ROOT : random.mostly(USER_ROOT, 0)],
    [PV.TRAPS + VECTOR.PF * PV.TRAP_BYTES + 8, random.one(0, TRAP_MASKS_EVENTS, 3)],
  ]
  const frame = [
    ...[random.bits64(), random.bits64(), random.bits64()],
    random.one(0n, 0n, 0x100n, random.bits64()),
    random.mostly(STAYING, NOT_THERE, NOT_CANONICAL, 0xffff_8000_0000_0000n),
    random.mostly(0x33n, 0x30n) + random.mostly(0n, 0xe000n, 0x1_0000_0000_0000n),
    random.mostly(0x202n, ...RFLAGS),
    stack(),
    random.mostly(0x2bn, 0xe02bn, 0n, 3n, 0x33n, 0x2fn, 0x28n),
  ]
  if (random.below(8) === 0)
    frame[5] = random.one(0x10n, 0x13n, 0x23n, 0xe023n, 0n, 3n, 0x37n, 0xfff3n, BigInt(FLAT_RING3_CS32))
  // What the instruction takes from where the hypercall has RAX.
  if (instruction >= IRETQ && instruction < FXSAVE) frame.splice(0, 4)
  const [image, kept] = [fxImage(random), fxImage(random)]
  const [pending, mask] = [random.mostly(0, 1, 2), random.one(0, 1, 5)]
  both.events(pending, mask)
  both.watch(STACK, random.below(8) === 0)
  both.descriptor(
    6,
    random.mostly(0x00affb000000ffffn, 0x00affa000000ffffn, 0x00cffb000000ffffn, 0x00af9b000000ffffn, 0n),
  )
  both.descriptor(5, random.mostly(0x00cff3000000ffffn, 0x00cff2000000ffffn, 0x00cff1000000ffffn, 0x00cf93000000ffffn))
  const flushes = random.below(2) === 0
  const flush = BigUint64Array.of(BigInt(random.mostly(MMUEXT_INVLPG_LOCAL, MMUEXT_TLB_FLUSH_LOCAL, 99)), gpr[3], 0n)
  both.each((vcpu, m, mmu) => {
    gpr.forEach((value, n) => {
      vcpu.setGpr(n, value)
    })
    for (const [at, value] of words) vcpu.setU64(at, BigInt.asUintN(64, value))
    for (const [at, value] of halves) vcpu.setI32(at, value)
    update.put(m, mmu)
    if (isFlush) m.write(m.host(m.frameOf(WRITABLE)) + 0x100, new Uint8Array(flush.buffer))
    if (isFx) {
      m.write(m.host(m.frameOf(WRITABLE)) + 0x140, image)
      vcpu.views.u8.set(kept, vcpu.base + CPU.FX)
    }
    setMode(vcpu, user)
    vcpu.setI32(CPU.ROOT, m.host(user ? USER_ROOT : 1))
    if (flushes) vcpu.flushAll()
    const page = rsp - (rsp & 0xfffn)
    if (page !== STACK || (rsp & 0xfffn) > 4024n) return
    const at = m.host(m.frameOf(page)) + Number(rsp & 0xfffn)
    m.views.u8.set(new Uint8Array(BigUint64Array.from(frame, (w) => BigInt.asUintN(64, w)).buffer), at)
  })
  both.watch(TABLE, random.below(16) === 0)
  return `${user ? 'user' : 'kernel'} instruction ${instruction} rbx ${gpr[3].toString(16)} pending ${pending} mask ${mask}`
}

test('entries and returns in WebAssembly leave what those in TypeScript leave, from random states', () => {
  const both = machines()
  const random = new Random(1)
  for (let n = 0; n < 6000; n++) {
    const what = prepare(both, random)
    both.run(1 + random.below(3), `case ${n}: ${what}`)
  }
  // Each way was taken many times, by either side.
  for (const counts of [...Object.values(both.traps), both.faults, both.batches])
    for (const count of counts) expect(count).toBeGreaterThan(20)
})

/** pop rcx; pop r11; push 0; push rcx; push r11; push rax; mov eax, 23; syscall: returns from any entry without error code. */
const RETURN = [0x59, 0x41, 0x5b, 0x6a, 0x00, 0x51, 0x41, 0x53, 0x50, 0xb8, 0x17, 0x00, 0x00, 0x00, 0x0f, 0x05]
/** As RETURN, of a page fault, with RBX taken from the second word of WRITABLE. */
const MEND = [
  0x48,
  0x8b,
  0x1c,
  0x25,
  0x08,
  0x00,
  0x60,
  0x00,
  ...RETURN.slice(0, 3),
  0x48,
  0x83,
  0xc4,
  0x08,
  ...RETURN.slice(3),
]
/** Again and again: syscall; inc rdi; mov ebx, NOT_THERE; mov ecx, 3; three times add [rbx], rdi; add rbx, 8. */
const LOOP = [
  ...[0x0f, 0x05, 0x48, 0xff, 0xc7, 0xbb, 0x00, 0x40, 0x60, 0x00, 0xb9, 0x03, 0x00, 0x00, 0x00],
  ...[0x48, 0x01, 0x3b, 0x48, 0x83, 0xc3, 0x08, 0xff, 0xc9, 0x75, 0xf5, 0xeb, 0xe4],
]

/** User mode that makes system calls and touches what is not there, in turns; its kernel mends and returns. */
function looping(both: EntryMachines): void {
  both.each((vcpu, m) => {
    const frame = (va: bigint): number => m.host(m.frameOf(va))
    m.write(frame(PROGRAM) + 0x800, Uint8Array.from(LOOP))
    m.write(frame(SYSCALL_ENTRY), Uint8Array.from(RETURN))
    m.write(frame(PF_ENTRY), Uint8Array.from(MEND))
    m.views.u64[(frame(WRITABLE) >> 3) + 1] = WRITABLE + 0x10n
    vcpu.setU64(PV.CALLBACKS + CALLBACKTYPE_syscall * 8, SYSCALL_ENTRY)
    vcpu.setU64(PV.TRAPS + VECTOR.PF * PV.TRAP_BYTES, PF_ENTRY)
    vcpu.setU64(PV.KERNEL_SP, STACK + 0x1000n)
    vcpu.setI32(CPU.ROOT, m.host(USER_ROOT))
    setMode(vcpu, true)
    vcpu.setU64(CPU.RFLAGS, 0x202n)
    vcpu.rip = PROGRAM + 0x800n
  })
  both.descriptor(6, 0x00affb000000ffffn)
  both.descriptor(5, 0x00cff3000000ffffn)
}

test.each([0, 3])('a program of system calls and page faults runs alike, with regions made at jump %i', (threshold) => {
  const both = machines({ regionThreshold: threshold, regions: { atOnce: true } })
  looping(both)
  for (let n = 0; n < 40; n++) expect(both.run(1_500 + n * 7, `stretch ${n}`, true)).toBe('limit')
  expect(both.traps.syscall).toEqual([0, expect.any(Number)])
  expect(both.traps.syscall[1]).toBeGreaterThan(80)
  expect(both.faults[1]).toBeGreaterThan(100)
})

test('a guest that does nothing but enter and leave its kernel sees a kick at once', () => {
  const both = machines()
  looping(both)
  both.kickAt(100)
  expect(both.fast.run(10_000_000, false)).toBe('limit')
  expect(both.traps.syscall).toEqual([0, 101])
})

test('page faults without end come back to TypeScript', () => {
  const both = machines()
  both.each((vcpu, m) => {
    // Of 64 bytes each, down through the same two frames.
    const frame = m.frameOf(STACK)
    for (let n = 0n; n < 16n; n++) m.map({ va: 0x700000n + n * 0x1000n, frame })
    setMode(vcpu, false)
    vcpu.setGpr(4, 0x710000n)
    vcpu.setU64(CPU.RFLAGS, 0x202n)
    vcpu.setU64(PV.TRAPS + VECTOR.PF * PV.TRAP_BYTES, NOT_THERE)
    // jmp rbx
    vcpu.setGpr(3, NOT_THERE)
    vcpu.rip = PROGRAM + 0x60n
  })
  expect(both.fast.run(100, false)).toBe('limit')
  expect(both.faults).toEqual([1, 256, 0])
})
