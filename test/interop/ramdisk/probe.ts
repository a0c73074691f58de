/* Stands in for the agent: says on the console what of the machine it can see. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import koffi from 'koffi'

const read = (path: string): string => readFileSync(path, 'utf8').trim()
const serialOf = (disk: string): string => {
  for (const file of ['serial', 'device/serial', 'device/vpd_pg80']) {
    const path = `/sys/block/${disk}/${file}`
    if (existsSync(path)) return read(path).replace(/[^\x21-\x7e]/g, '')
  }
  return realpathSync(`/sys/block/${disk}`).includes('/usb') ? 'USB' : '' // a USB disk keeps its serial to itself
}
const memory = Object.fromEntries(
  read('/proc/meminfo')
    .split('\n')
    .map((line) => [line.split(':')[0]!, Number.parseInt(line.split(':')[1]!, 10)]),
)
const libc = koffi.load('libc.so.6')

const report = {
  interface: process.env.BOOTWRIGHT_INTERFACE,
  macs: readdirSync('/sys/class/net').map((name) => read(`/sys/class/net/${name}/address`)),
  disks: readdirSync('/sys/block').map((name) => ({ name, serial: serialOf(name) })),
  drivers: read('/proc/modules')
    .split('\n')
    .map((line) => line.split(' ')[0]),
  availableMebibytes: Math.floor(memory.MemAvailable! / 1024),
  uptimeSeconds: Number(read('/proc/uptime').split(' ')[0]),
  pid: libc.func('int getpid()')() === process.pid,
  overlay: existsSync('/etc/site-file') && existsSync('/usr/bin/ls'),
  tools: [
    'sfdisk',
    'mkfs.ext4',
    'mkfs.xfs',
    'mkfs.btrfs',
    'mkfs.fat',
    'kexec',
    'efibootmgr',
    'ssh-keygen',
    'nvme',
  ].filter((name) => runs(name)),
}
console.log(`REPORT ${JSON.stringify(report)}`)
setInterval(() => {}, 60_000)

/** Whether the program and all its libraries load: any answer to --help will do, but for the loader's own complaint. */
function runs(name: string): boolean {
  try {
    execFileSync(name, ['--help'], { stdio: 'pipe', timeout: 20_000 })
    return true
  } catch (error) {
    const { status, stderr } = error as { status?: number | null; stderr?: Buffer }
    return typeof status === 'number' && status !== 127 && !String(stderr).includes('shared libraries')
  }
}
