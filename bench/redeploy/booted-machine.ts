import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chooseAccelerator } from '../../src/rack/accelerator.ts'
import { Console } from '../../src/rack/console.ts'
import { awaitLoginPrompt, logIn } from '../../src/rack/login.ts'
import { defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'
import { runPipeline } from '../peer.ts'

/** What a system is started with, taken from its own /boot. */
export type BootFiles = { kernel: string; initrd: string }

const deadlineMs = 60_000
/** An emulated machine on a busy one. */
const bootTimeoutMs = 10 * 60_000
const commandTimeoutMs = 3 * 60_000
const credentials = { user: 'root', password: 'bootwright' }

/** What a person and a small service do in a first quarter of an hour; the boot itself adds journal, keys, caches and seeds. */
const use = [
  'systemctl stop systemd-networkd-wait-online', // nginx would wait two minutes for it
  'mkdir -p /var/log/nginx && systemctl restart nginx; curl -s "localhost/?[1-500]" >/dev/null',
  'for i in $(seq 2000); do echo "message $i of a service that talks much"; done | logger -t service',
  'useradd -m -s /bin/bash somebody; echo "somebody:secret" | chpasswd; su somebody -c "cp /bin/bash ~/tool; ls -la ~"',
  'echo "server { listen 8080; }" >/etc/nginx/conf.d/site.conf; systemctl reload nginx; sed -i s/Welcome/Hello/ /var/www/html/*.html',
  'echo "17 * * * * root true" >/etc/cron.d/site; echo "10.0.0.2 peer" >>/etc/hosts; ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id || true',
  'python3 -c "import json, http.server, ssl"; apt-cache gencaches 2>/dev/null; dpkg -l | tail -1; ldconfig; sync',
]

/** Of the mounted root; the password lets the benchmark log in, as an operator would set one. */
export async function makeReadyToBoot(root: string, directory: string): Promise<BootFiles> {
  await runPipeline('echo "$2:$3" | chroot "$1" chpasswd', [root, credentials.user, credentials.password], deadlineMs)
  await mkdir(directory, { recursive: true })
  const boot = await readdir(join(root, 'boot'))
  const copy = async (prefix: string) => {
    const name = boot.find((each) => each.startsWith(prefix))
    if (name === undefined) throw new Error(`Cannot boot the system in ${root}: its /boot has no ${prefix}*`)
    await cp(join(root, 'boot', name), join(directory, prefix))
    return join(directory, prefix)
  }
  return { kernel: await copy('vmlinuz-'), initrd: await copy('initrd.img-') }
}

/**
 * Boots the filesystem on a device, which nothing has mounted, in a machine without a network; logs in, uses it, and shuts it
 * down. Rejects with ConsoleTimeout.
 */
export async function bootAndUse(device: string, files: BootFiles, directory: string): Promise<void> {
  const { arguments: accelerator } = await chooseAccelerator(files.kernel, join(defaultCacheDirectory(), 'rack'))
  const console = new Console('used machine', join(directory, 'console.log'))
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-machine', 'q35', ...accelerator, '-no-reboot'],
      ...['-m', '768', '-smp', '2', '-serial', 'stdio', '-kernel', files.kernel, '-initrd', files.initrd],
      ...['-append', 'root=/dev/vda rw console=ttyS0'],
      ...['-drive', `if=virtio,format=raw,file=${device},discard=unmap`],
      ...['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const ended = once(qemu, 'exit')
  try {
    console.attach(qemu.stdout, qemu.stdin)
    await awaitLoginPrompt(console, bootTimeoutMs)
    const shell = await logIn(console, credentials)
    for (const command of use) await shell.run(command, commandTimeoutMs)
    console.type('systemctl poweroff\r')
    await withDeadline(ended, qemu)
  } finally {
    if (qemu.exitCode === null) qemu.kill('SIGKILL')
    await ended
    await console.close()
  }
  await runPipeline('sync "$1"', [device], deadlineMs)
}

async function withDeadline(ended: Promise<unknown>, qemu: ChildProcess): Promise<void> {
  const timer = setTimeout(() => qemu.kill('SIGKILL'), bootTimeoutMs)
  await ended
  clearTimeout(timer)
  if (qemu.exitCode !== 0) throw new Error(`The used machine did not shut down within ${bootTimeoutMs / 1000} s`)
}
