import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { renderGrubConfig, renderGrubDefaults, serialConsole } from './grub-config.ts'
import { deployedArguments } from './kernel-arguments.ts'

const golden = (name: string) => readFileSync(new URL(`goldens/${name}`, import.meta.url), 'utf8')

const debian = {
  title: 'Debian GNU/Linux 12 (bookworm)',
  kernel: {
    version: '6.1.0-40-cloud-amd64',
    kernel: 'vmlinuz-6.1.0-40-cloud-amd64',
    initrd: 'initrd.img-6.1.0-40-cloud-amd64',
  },
  root: {
    uuid: '11111111-2222-4333-8444-555555555555',
    partitionGuid: 'AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE',
    type: 'ext4',
  },
  kernelArguments: ['console=tty0', 'console=ttyS0,115200n8'],
} as const

test('renderGrubConfig() for Debian on a serial console', (t) => {
  t.assert.equal(renderGrubConfig(debian), golden('debian-serial.cfg'))
})

test('renderGrubConfig() without initramfs names the root by its partition, and quotes hostile text', (t) => {
  const facts = {
    ...debian,
    title: "Bob's; reboot $x",
    kernel: { ...debian.kernel, initrd: undefined },
    root: { ...debian.root, type: 'xfs' as const },
    kernelArguments: ['opt="a b"'],
  }
  t.assert.equal(renderGrubConfig(facts), golden('no-initrd-quoted.cfg'))
})

test('renderGrubDefaults() says the same to a later update-grub', (t) => {
  t.assert.equal(renderGrubDefaults(debian.kernelArguments), golden('debian-serial.defaults'))
})

test('renderGrubDefaults() is shell that gives the arguments back whatever is in them', (t) => {
  const text = renderGrubDefaults(["x='$(reboot)'", '`reboot`', 'a"b'])
  const value = execFileSync('sh', ['-c', `${text}printf %s "$GRUB_CMDLINE_LINUX"`], { encoding: 'utf8' })
  t.assert.equal(value, "x='$(reboot)' `reboot` a\"b")
})

test('serialConsole() takes the last serial console and its speed', (t) => {
  t.assert.deepEqual(serialConsole(['console=ttyS0', 'console=ttyS1,9600n8', 'console=tty0']), { unit: 1, speed: 9600 })
  t.assert.deepEqual(serialConsole(['console=ttyS0']), { unit: 0, speed: 115200 })
  t.assert.equal(serialConsole(['console=tty0', 'quiet']), undefined)
})

test('deployedArguments() joins the image’s, the order’s and the agent’s consoles', (t) => {
  const defaults = 'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX="net.ifnames=1"\nGRUB_CMDLINE_LINUX_DEFAULT=\'quiet\'\n'
  t.assert.deepEqual(deployedArguments(defaults, ['panic=15'], ['tty0', 'ttyS0,115200']), [
    'net.ifnames=1',
    'quiet',
    'panic=15',
    'console=tty0',
    'console=ttyS0,115200',
  ])
})

test('deployedArguments() leaves the consoles to whoever named one', (t) => {
  t.assert.deepEqual(deployedArguments('GRUB_CMDLINE_LINUX="console=ttyS1"', [], ['ttyS0']), ['console=ttyS1'])
  t.assert.deepEqual(deployedArguments(undefined, ['console=tty0'], ['ttyS0']), ['console=tty0'])
})

test('deployedArguments() takes no value that a shell would expand', (t) => {
  t.assert.deepEqual(deployedArguments('GRUB_CMDLINE_LINUX="$(cat /x)"\n#GRUB_CMDLINE_LINUX="y"', [], []), [])
})
