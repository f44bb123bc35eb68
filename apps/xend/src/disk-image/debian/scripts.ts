/** What shell scripts do to a Debian tree: once as it is made, and for each disk that is made of it. */

/** Writes the boot menu, which pygrub reads, for the kernels that there are. Runs in the guest when a kernel package comes or goes. */
const UPDATE_MENU = `#!/bin/sh
# Writes /boot/grub/grub.cfg for the kernels in /boot. Kernel packages run it. Words for the kernel: /etc/default/boot-menu.
# GRUB's own update-grub does this instead where it is installed.
set -eu
root=\${MENU_ROOT:-}
if [ -z "$root" ] && command -v update-grub >/dev/null; then exit 0; fi
words=
[ ! -r "$root/etc/default/boot-menu" ] || . "$root/etc/default/boot-menu"
device=$(awk '$1 !~ /^#/ && $2 == "/" { print $1; exit }' "$root/etc/fstab")
entry() {
  echo "menuentry '$1' {"
  echo "  linux /boot/vmlinuz-$2 root=$device ro $3"
  [ ! -e "$root/boot/initrd.img-$2" ] || echo "  initrd /boot/initrd.img-$2"
  echo "}"
}
versions=$(cd "$root/boot" && ls | sed -n 's/^vmlinuz-//p' | sort -rV)
mkdir -p "$root/boot/grub"
{
  echo "# Written by /usr/local/sbin/update-boot-menu; changes are lost."
  echo "set default=0"
  for version in $versions; do
    entry "Debian GNU/Linux" "$version" "$words"
    break
  done
  echo "submenu 'Advanced options for Debian GNU/Linux' {"
  for version in $versions; do
    entry "Debian GNU/Linux, with Linux $version" "$version" "$words"
    entry "Debian GNU/Linux, with Linux $version (recovery mode)" "$version" "$words single"
  done
  echo "}"
} >"$root/boot/grub/grub.cfg.new"
mv "$root/boot/grub/grub.cfg.new" "$root/boot/grub/grub.cfg"
`

const MENU_HOOK = '#!/bin/sh\nexec /usr/local/sbin/update-boot-menu\n'

/** Modules that find the root file system, on Xen and in QEMU, and no others: a small ramdisk is a fast one. */
const RAMDISK_MODULES = 'xen_blkfront\nvirtio_pci\nvirtio_blk\next4\n'

const HOST_KEYS_UNIT = `[Unit]
Description=Host keys of the SSH server, where there are none
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
Before=ssh.service ssh.socket

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
`

/** A lease is the card's, not the machine's: clones of a disk have the same machine-id. */
const NETWORK = `[Match]
Name=eth* en*

[Network]
DHCP=yes

[DHCPv4]
ClientIdentifier=mac
`

const here = (path: string, text: string): string => `cat >"$1/${path}" <<'END-OF-FILE'\n${text}END-OF-FILE\n`

/** Given to mmdebstrap before the kernel is installed; $1 is the tree. */
export const BEFORE_PACKAGES = `set -eu
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d" "$1/usr/local/sbin"
mkdir -p "$1/etc/kernel/postinst.d" "$1/etc/kernel/postrm.d" "$1/etc/default"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/disk-image"
${here('usr/share/initramfs-tools/modules.d/disk-image', RAMDISK_MODULES)}
`

/** Given to mmdebstrap when all is installed; $1 is the tree. */
export const AFTER_PACKAGES = `set -eu
${here('usr/local/sbin/update-boot-menu', UPDATE_MENU)}
${here('etc/kernel/postinst.d/zz-update-boot-menu', MENU_HOOK)}
${here('etc/kernel/postrm.d/zz-update-boot-menu', MENU_HOOK)}
chmod 755 "$1/usr/local/sbin/update-boot-menu" "$1"/etc/kernel/post*.d/zz-update-boot-menu
echo 'words="console=hvc0 quiet"' >"$1/etc/default/boot-menu"
${here('etc/systemd/system/ssh-host-keys.service', HOST_KEYS_UNIT)}
${here('etc/systemd/network/80-dhcp.network', NETWORK)}
echo LANG=C.UTF-8 >"$1/etc/default/locale"
chroot "$1" systemctl --quiet enable ssh ssh-host-keys systemd-networkd
if [ -e "$1/lib/systemd/system/systemd-resolved.service" ]; then
  chroot "$1" systemctl --quiet enable systemd-resolved
  ln -sf ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
fi
rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/apt/apt.conf.d/99mmdebstrap" "$1/etc/hostname"
rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*
`

/**
 * Makes a disk's file system of a tree, which comes by standard input; run as root, or by fakeroot, which then knows the owners. Its
 * variables: TREE an empty folder, FILES a folder with what is this disk's own, and NAME, ROOT_UUID, MACHINE_ID, LOGIN, PASSWORD (hashed,
 * or empty), IMAGE, OFFSET (bytes), KIB, TAR_EXTRA, MKE2FS_EXTRA.
 */
export const MAKE_FILE_SYSTEM = `set -eu
cd "$TREE"
tar -xpf - --numeric-owner $TAR_EXTRA
echo "$NAME" >etc/hostname
printf '127.0.0.1\\tlocalhost\\n127.0.1.1\\t%s\\n::1\\tlocalhost ip6-localhost ip6-loopback\\n' "$NAME" >etc/hosts
printf '# <file system> <mount point> <type> <options> <dump> <pass>\\nUUID=%s / ext4 errors=remount-ro 0 1\\n' "$ROOT_UUID" >etc/fstab
echo "$MACHINE_ID" >etc/machine-id
cp "$FILES/sources.list" etc/apt/sources.list
sed -i "s|^root:[^:]*:|root:$PASSWORD:|" etc/shadow
if ! grep -q "^$LOGIN:" etc/passwd; then
  echo "$LOGIN:x:1000:1000::/home/$LOGIN:/bin/bash" >>etc/passwd
  echo "$LOGIN:\${PASSWORD:-*}:1::::::" >>etc/shadow
  echo "$LOGIN:x:1000:" >>etc/group
  echo "$LOGIN:!::" >>etc/gshadow
  sed -i "s/^sudo:\\(.*\\):$/sudo:\\1:$LOGIN/" etc/group
  sed -i "s/^sudo:\\(.*\\):$/sudo:\\1:$LOGIN/" etc/gshadow
  echo "$LOGIN ALL=(ALL) NOPASSWD: ALL" >"etc/sudoers.d/$LOGIN"
  chmod 440 "etc/sudoers.d/$LOGIN"
  cp -r etc/skel "home/$LOGIN"
  chmod 700 "home/$LOGIN"
fi
if [ -s "$FILES/authorized_keys" ]; then
  for home in root "home/$LOGIN"; do
    mkdir -p -m 700 "$home/.ssh"
    cp "$FILES/authorized_keys" "$home/.ssh/authorized_keys"
    chmod 600 "$home/.ssh/authorized_keys"
  done
fi
chown -R 1000:1000 "home/$LOGIN"
for key in "$FILES"/ssh_host_*_key; do
  [ -e "$key" ] || continue
  cp "$key" "$key.pub" etc/ssh/
  chmod 600 "etc/ssh/\${key##*/}"
  chmod 644 "etc/ssh/\${key##*/}.pub"
done
MENU_ROOT=. sh usr/local/sbin/update-boot-menu
cd /
mke2fs -q -F -t ext4 -L root -U "$ROOT_UUID" -E "offset=$OFFSET,root_owner=0:0,$MKE2FS_EXTRA" -d "$TREE" "$IMAGE" "\${KIB}k"
chmod -R u+rwX "$TREE"
`
