import { expect, test } from 'vitest'
import { type BootMenu, chooseEntry } from '../../src/bootloader/boot-menu.ts'
import { readExtlinux } from '../../src/bootloader/extlinux.ts'
import { readGrubConfig } from '../../src/bootloader/grub-config.ts'
import { readGrubLegacy } from '../../src/bootloader/grub-legacy.ts'

/** In the form in which Debian's update-grub writes it. */
const DEBIAN = `
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="0"
fi
if [ x"\${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi
export menuentry_id_option
function load_video {
  if [ x$feature_all_video_module = xy ]; then
    insmod all_video
  else
    insmod efi_gop; insmod vga
  fi
}
for x in 1 2 3; do echo $x; done
menuentry 'Debian GNU/Linux' --class debian --class gnu-linux $menuentry_id_option 'simple-1' {
	load_video
	if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
	set root='hd0,gpt1'
	search --no-floppy --fs-uuid --set=root 1111
	echo	'Loading Linux 6.1 ...'
	linux	/boot/vmlinuz-6.1 root=UUID=1111 ro  quiet console=hvc0
	initrd	/boot/initrd.img-6.1
}
submenu 'Advanced options' $menuentry_id_option 'advanced-1' {
	menuentry 'Debian, with Linux 6.1' --class debian $menuentry_id_option 'adv-6.1' {
		linux	/boot/vmlinuz-6.1 root=UUID=1111 ro
		initrd	/boot/initrd.img-6.1 /boot/more.img
	}
	menuentry 'Debian, with Linux 6.1 (recovery mode)' $menuentry_id_option 'rec-6.1' {
		linux	(hd0,gpt1)/boot/vmlinuz-6.1 root=UUID=1111 ro single "a b" \\
			last
	}
}
menuentry 'UEFI Firmware Settings' { fwsetup }
menuentry "It's last" { linux16 /k; initrd16 /i }
menuentry Halt { halt }
`

const titles = ({ entries }: BootMenu): string[] => entries.map(({ title }) => title)
const chosen = (menu: BootMenu): string | undefined => menu.entries[menu.default]?.title

test("Debian's grub.cfg gives its entries, through its submenus, and the first of them", () => {
  const menu = readGrubConfig(DEBIAN)
  expect(menu.entries).toMatchObject([
    {
      title: 'Debian GNU/Linux',
      id: 'simple-1',
      submenus: [],
      kernel: '/boot/vmlinuz-6.1',
      ramdisks: ['/boot/initrd.img-6.1'],
      cmdline: 'root=UUID=1111 ro quiet console=hvc0',
    },
    { submenus: ['Advanced options'], id: 'adv-6.1', ramdisks: ['/boot/initrd.img-6.1', '/boot/more.img'] },
    { kernel: '(hd0,gpt1)/boot/vmlinuz-6.1', cmdline: 'root=UUID=1111 ro single a b last', ramdisks: [] },
    { title: "It's last", kernel: '/k', ramdisks: ['/i'], submenus: [] },
  ])
  expect(menu.default).toBe(0)
})

test.each([
  ['next_entry=simple-1', 'Debian GNU/Linux'],
  ['next_entry=1', 'Debian, with Linux 6.1'],
  ['next_entry=1>1', 'Debian, with Linux 6.1 (recovery mode)'],
  ['next_entry=advanced-1>rec-6.1', 'Debian, with Linux 6.1 (recovery mode)'],
  ['next_entry=Advanced options>Debian, with Linux 6.1', 'Debian, with Linux 6.1'],
  // A firmware's setup is an item, but starts no kernel.
  ['next_entry=3', "It's last"],
  // Without any behind it, the first.
  ['next_entry=4', 'Debian GNU/Linux'],
  ['next_entry=gone', 'Debian GNU/Linux'],
])('with %s in its environment it starts %s', (line, title) => {
  expect(chosen(readGrubConfig(DEBIAN, `# GRUB Environment Block\n${line}\n#####`))).toBe(title)
})

test.each([
  ['0', 'Debian GNU/Linux'],
  ['2', 'Debian, with Linux 6.1 (recovery mode)'],
  ["It's last", "It's last"],
  ['rec-6.1', 'Debian, with Linux 6.1 (recovery mode)'],
  ['Advanced options>Debian, with Linux 6.1', 'Debian, with Linux 6.1'],
])('a user who asks for %s gets %s', (wanted, title) => {
  expect(chooseEntry(readGrubConfig(DEBIAN), wanted, 'grub.cfg').title).toBe(title)
})

test('who asks for an entry that is not there is told which are', () => {
  expect(() => chooseEntry(readGrubConfig(DEBIAN), '4', 'grub.cfg of partition 1')).toThrow(
    "grub.cfg of partition 1 has no entry '4'; it has 0: 'Debian GNU/Linux', 1: 'Debian, with Linux 6.1', 2: 'Debian, with Linux 6.1 (recovery mode)', 3: 'It's last'",
  )
})

test('what a guest calls its entries does not act on the terminal', () => {
  const menu = readGrubConfig("menuentry '\x1b[2Jevil\x07' { linux /k }")
  expect(() => chooseEntry(menu, '\x1b[31m', 'x')).toThrow("x has no entry '?[31m'; it has 0: '?[2Jevil?'")
})

test('variables without quotes become several words, those in quotes one, and empty ones none', () => {
  const script = 'set a="x  y"; set e=\nmenuentry m { linux /k $a "$a" $e "$e" \'$a\' pre$'
  const [entry] = readGrubConfig(`${script}{a}post $$ }`).entries
  expect(entry?.cmdline).toBe('x y x  y  $a prex ypost $$')
})

test('what an entry sets is gone after it', () => {
  const { entries } = readGrubConfig('set v=1\nmenuentry a { set v=2\nlinux /k $v }\nmenuentry b { linux /k $v }')
  expect(entries.map(({ cmdline }) => cmdline)).toEqual(['2', '1'])
})

test('under Xen as its kernel, the modules are kernel and ramdisk', () => {
  const menu = readGrubConfig(
    "menuentry 'Xen' { multiboot2 /boot/xen.gz placeholder\nmodule2 /boot/vmlinuz placeholder root=/dev/sda1\nmodule2 --nounzip /boot/initrd }",
  )
  expect(menu.entries).toMatchObject([
    { kernel: '/boot/vmlinuz', ramdisks: ['/boot/initrd'], cmdline: 'placeholder root=/dev/sda1' },
  ])
})

test.each([
  ['an open quote', "menuentry 'a { linux /k }"],
  ['blocks that nobody closes', 'menuentry a { '.repeat(5000)],
  ['conditions that nobody closes', 'if true; then '.repeat(5000)],
  ['braces that nobody opened', '}'.repeat(5000)],
  [
    'variables that double themselves',
    `set a=aaaaaaaaaaaaaaaa\n${'set a=$a$a\n'.repeat(64)}menuentry m { linux /k $a }`,
  ],
  ['many entries', 'menuentry a { linux /k }\n'.repeat(50_000)],
  ['one very long line of blanks', `menuentry a${' '.repeat(1 << 19)}x`],
])('%s takes little time and memory', (_, text) => {
  const begin = performance.now()
  expect(readGrubConfig(text).entries.length).toBeLessThanOrEqual(1000)
  expect(performance.now() - begin).toBeLessThan(5000)
})

test("GRUB legacy's menu.lst: kernels, ramdisks, Xen's modules, and the default that counts titles", () => {
  const menu = readGrubLegacy(`
default 2
timeout=5
# title not this
title  Chainloaded
  chainloader +1
title Old Linux
root (hd0,0)
kernel /vmlinuz-2.6.26 root=/dev/xvda1 ro
initrd /initrd-2.6.26
title Under Xen
kernel /xen-3.2.gz dom0_mem=512M
module /vmlinuz-xen root=/dev/sda1
module /initrd-xen
`)
  expect(menu.entries).toMatchObject([
    { title: 'Old Linux', kernel: '/vmlinuz-2.6.26', cmdline: 'root=/dev/xvda1 ro', ramdisks: ['/initrd-2.6.26'] },
    { title: 'Under Xen', kernel: '/vmlinuz-xen', cmdline: 'root=/dev/sda1', ramdisks: ['/initrd-xen'] },
  ])
  expect(chosen(menu)).toBe('Under Xen')
})

test('extlinux.conf: relative paths begin in its folder, and initrd= is no word for the kernel', () => {
  const menu = readExtlinux(
    'DEFAULT live\nLABEL old\n KERNEL /vmlinuz\nLABEL live\n MENU LABEL ^Live system\n LINUX vmlinuz-6\n APPEND root=/dev/xvda1 initrd=initrd-6 ro\n',
    '/boot/extlinux',
  )
  expect(titles(menu)).toEqual(['old', 'Live system'])
  expect(menu.entries[menu.default]).toMatchObject({
    kernel: '/boot/extlinux/vmlinuz-6',
    ramdisks: ['/boot/extlinux/initrd-6'],
    cmdline: 'root=/dev/xvda1 ro',
  })
})
