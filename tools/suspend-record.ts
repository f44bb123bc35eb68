/** `npm run suspend-record`: writes docs/suspend-record.md, where each word of a suspended domain lies, from the shared layouts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ACTIVE_GRANT, CHANNEL, DOMAIN, E820, VCPU } from '../libs/core/src/index.ts'
import * as pages from '../libs/cpu-x86/src/pv/mmu/page-info.ts'
import { PV } from '../libs/cpu-x86/src/pv/pv-state.ts'
import { CPU } from '../libs/cpu-x86/src/state/layout.ts'
import * as table from './suspend-record-table.ts'

export const PAGE: string = fileURLToPath(new URL('../docs/suspend-record.md', import.meta.url))

/** Words of one kind of record: their places by name, in the unit the title says. */
export interface Section {
  readonly title: string
  readonly places: ReadonlyMap<string, number>
  readonly rows: readonly table.Row[]
}

const ofShared = (layout: object): Map<string, number> =>
  new Map(Object.entries(layout as Record<string, { offset: number }>).map(([name, { offset }]) => [name, offset]))
/** Lengths, and second names of another layout's words, are no fields. */
const ofOffsets = (layout: Readonly<Record<string, number>>, ...no: readonly string[]): Map<string, number> =>
  new Map(Object.entries(layout).filter(([name]) => !no.includes(name)))

const PAGE_HEADER = { EPOCH: pages.EPOCH, DYING_HEAD: pages.DYING_HEAD, CODE_MAPS: pages.CODE_MAPS }
const { INFO, TYPE_COUNT, REF_COUNT, STAMP, LINEAR } = pages
const { KERNEL_ROOT, USER_ROOT, LDT_LOW, LDT_HIGH, LDT_ENTRIES, GDT_ENTRIES, GDT_FRAMES, LDT_FRAMES } = pages

export const SECTIONS: readonly Section[] = [
  { title: 'DOMAIN: at 0 of `DomainState`, bytes', places: ofShared(DOMAIN), rows: table.DOMAIN_ROWS },
  { title: 'VCPU: `DOMAIN.vcpus`, bytes', places: ofShared(VCPU), rows: table.VCPU_ROWS },
  { title: 'CHANNEL: `DOMAIN.channels`, bytes', places: ofShared(CHANNEL), rows: table.CHANNEL_ROWS },
  { title: 'ACTIVE_GRANT: `DOMAIN.activeGrants`, bytes', places: ofShared(ACTIVE_GRANT), rows: table.GRANT_ROWS },
  { title: 'E820: `DOMAIN.e820`, bytes', places: ofShared(E820), rows: table.E820_ROWS },
  {
    title: "CPU: from the vCPU's base in the domain's memory, bytes",
    places: ofOffsets(CPU, 'SIZE', 'BOUNCE_BYTES'),
    rows: table.CPU_ROWS,
  },
  {
    title: 'PV: behind it, bytes',
    places: ofOffsets(PV, 'TRAP_BYTES', 'TASK_SWITCHED', 'CS', 'SS', 'DS', 'ES', 'FS', 'GS'),
    rows: table.PV_ROWS,
  },
  {
    title: 'Page types, header: at 0 of their buffer, words of 4 bytes',
    places: ofOffsets(PAGE_HEADER),
    rows: table.PAGE_HEADER_ROWS,
  },
  {
    title: 'Page types, of each vCPU: at `PageInfo.vcpu(n)`, words of 4 bytes',
    places: ofOffsets({
      ...{ KERNEL_ROOT, USER_ROOT, LDT_LOW, LDT_HIGH },
      ...{ LDT_ENTRIES, GDT_ENTRIES, GDT_FRAMES, LDT_FRAMES },
    }),
    rows: table.PAGE_VCPU_ROWS,
  },
  {
    title: 'Page types, of each frame: at `PageInfo.record(gmfn)`, words of 4 bytes',
    places: ofOffsets({ INFO, TYPE_COUNT, REF_COUNT, STAMP, LINEAR }),
    rows: table.PAGE_FRAME_ROWS,
  },
]

function section({ title, places, rows }: Section): string[] {
  const line = ([field, fate, what]: table.Row): string => {
    const at = places.get(field)
    if (at === undefined) throw new Error(`${title} has no field ${field}: correct tools/suspend-record-table.ts`)
    return `| ${at.toString(16)} | \`${field}\` | ${fate} | ${what} |`
  }
  return [`## ${title}`, '', '| at (hex) | field | fate | what |', '| ---: | --- | --- | --- |', ...rows.map(line), '']
}

const INTRODUCTION = `# The record of a suspended domain

<!-- Made by \`npm run suspend-record\` from the shared layouts: change tools/suspend-record-table.ts, not this page. -->

\`RunningDomain.suspend()\` asks a guest by control/shutdown to suspend itself, and resolves when it has done so
(SCHEDOP_shutdown, the gmfn of its start_info as third argument) and no pCPU runs any of its vCPUs. \`resume()\` lets it
go on in place: the hypercall answers 1 on vCPU 0, and the guest keeps its rings, ports, grants and page tables. This is
\`xl save -c\` without the file. There is no save and no restore yet; this page says what they will write, and where it
lies while the domain stands still.

**Everything is in shared memory.** A pCPU that leaves a vCPU has stored all of it, as another may run it next, and
timers of a domain that is shut down do not fire. What a thread has in its heap (compiled code, records of it, handles)
is made again from memory. Three buffers hold a domain:

- \`DomainState\`, a SharedArrayBuffer: the records of domain, vCPUs, ports and grants (\`core/src/domain/domain-state.ts\`).
- Page types, a SharedArrayBuffer: type, pin and counts of each frame, roots and descriptor tables of each vCPU
  (\`cpu-x86/src/pv/mmu/page-info.ts\`).
- The domain's WebAssembly memory (\`cpu-x86/src/state/domain-memory.ts\`): each vCPU's state at \`plan.vcpuBases\`; \`physmap\`
  (which gmfns are there) and \`m2p\`, which are saved as the list of pfns; a byte of flags for each frame, its TLBs,
  code tables and translated code, which are made anew; and the frames from \`plan.frameBase\`.

**In the guest's own frames**, saved as they are unless this says otherwise:

- Page tables: their entries hold gmfns, which are written as pfns and put back as the new gmfns. The guest has pinned
  all its roots before it suspends itself.
- start_info, at the gmfn that \`suspendRecord\` names: the restore writes nr_pages, shared_info, flags, and the gmfns and
  ports of store and console. The guest has replaced its two ring gmfns by pfns.
- shared_info: \`arch.pfn_to_mfn_frame_list_list\` or \`arch.p2m_cr3\` and \`p2m_vaddr\` lead to the p2m, which the restore
  fills anew. Pending bits are cleared and mask bits set; the wall clock and each vcpu_info's time are written anew.
- vcpu_info, runstate and time areas: where VCPU.infoFrame, runstateArea and timeArea say.
- The rings of store and console: unread bytes stay in them. Domain 0 may still write to both (a watch fires, somebody
  types) while the domain stands still: a save has to stop the two services first.

**In domain 0's heap**, which a resume in place keeps and a save does not: watches and transactions of the guest in
xenstore (it sets its watches again), input that waits for room in the console ring, and what domain 0 is to do at the
domain's next order point under a virtual clock.

What becomes of each word when a domain is saved and restored elsewhere:

- **saved**: written to the record.
- **anew**: the restore makes it, of what is saved and of its own place.
- **guest**: a restored guest asks for it again by hypercall, as it did when it booted; a resume in place keeps it.
- **passing**: means nothing while the domain stands still.
`

export function suspendRecordPage(): string {
  return [INTRODUCTION, ...SECTIONS.flatMap(section)].join('\n').trimEnd().concat('\n')
}

if (import.meta.main) {
  const page = suspendRecordPage()
  const changed = page !== readFileSync(PAGE, { encoding: 'utf8', flag: 'a+' })
  writeFileSync(PAGE, page)
  console.log(`docs/suspend-record.md ${changed ? 'is new' : 'was current'}: ${page.split('\n').length} lines`)
}
