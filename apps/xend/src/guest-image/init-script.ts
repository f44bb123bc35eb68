/** Where /init finds the modules to insert, one path a line, each after those it depends on. */
export const MODULE_LIST_PATH = 'lib/modules/load-order'

/**
 * /init of the demonstration guest, for busybox's shell: mounts the kernel's file systems, inserts the modules, says
 * that the shell is ready and runs one on the console; when it exits the guest powers off.
 *
 * With `paravane.run=<base64url of a shell command>` on the kernel's command line the command runs in place of the
 * shell, and its exit status is printed (see {@link runArgument}).
 */
export const INIT_SCRIPT: string = `#!/bin/busybox sh
export PATH=/bin HOME=/ TERM=linux
[ -e /bin/mount ] || /bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp

while read -r module; do
  insmod "$module"
done </${MODULE_LIST_PATH}

read -r words </proc/cmdline
read -r uptime idle </proc/uptime
echo "paravane: shell ready after $uptime s"

run=
for word in $words; do
  case $word in paravane.run=*) run=\${word#*=} ;; esac
done
if [ -n "$run" ]; then
  while [ $((\${#run} % 4)) -ne 0 ]; do run=$run=; done
  setsid sh -c "$(echo "$run" | tr _- /+ | base64 -d)"
  echo "paravane: run ended with status $?"
else
  setsid cttyhack sh
fi
poweroff -f
`

/**
 * What the kernel runs when the toolstack asks it to power off or reboot (control/shutdown in the store): /init is no init daemon
 * that could be told.
 */
export const STOP_COMMANDS: Readonly<Record<'poweroff' | 'reboot', string>> = {
  poweroff: '#!/bin/busybox sh\nexec /bin/busybox poweroff -f\n',
  reboot: '#!/bin/busybox sh\nexec /bin/busybox reboot -f\n',
}

/** The word for the kernel's command line that makes /init run `command` (a line for `sh -c`) and power off. */
export function runArgument(command: string): string {
  return `paravane.run=${Buffer.from(command).toString('base64url')}`
}
