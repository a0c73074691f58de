import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { AssembledDisks } from '../../src/core/rescue.ts'
import { ProgramFailed, runProgram } from '../../src/programs/run-program.ts'
import { buildRamdisk, defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'
import { bootMac, bootRamdisk } from './ramdisk/virtual-machine.ts'

/*
 * The further initrd of a machine that is rescued, in a QEMU machine on QEMU's user network, whose port 22 is reached by a port
 * of this computer. A whole rescue, with a server and an order, is in the rack's cases.
 */

type Report = {
  broken: string[]
  disks: AssembledDisks
  troubles: string[]
  arrayState: string
  stateAfterwards: string
  mounted: string
  letter: string
  cipher: string
  hostKey: string
  fingerprint: string
}

const agentEntry = join(import.meta.dirname, 'ramdisk/rescue-probe.ts')
const loadedBudgetBytes = 16 * 2 ** 20
const memoryBudgetBytes = 52 * 2 ** 20
const sshPort = 22022

test('a rescued machine assembles its disks, mounts them for reading and is reached by SSH', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-rescue-'))
  t.after(() => rm(directory, { recursive: true }))
  const ramdisk = await buildRamdisk({
    ...{ architecture: 'x64', cacheDirectory: defaultCacheDirectory(), outputDirectory: join(directory, 'out') },
    ...{ agentEntry, trust: { imagePublicKeyPem: 'image key', orderPublicKeyPem: 'order key' } },
  })
  const segment = ramdisk.files.find(({ file }) => file === ramdisk.rescue?.file)!
  t.diagnostic(`${segment.bytes} bytes loaded, ${segment.rawBytes} in memory`)
  assert.ok(segment.bytes <= loadedBudgetBytes, `${segment.bytes} bytes are loaded`)
  assert.ok(segment.rawBytes <= memoryBudgetBytes, `${segment.rawBytes} bytes are kept in memory`)
  const identity = join(directory, 'identity')
  await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', identity])
  const key = (await readFile(`${identity}.pub`, 'utf8')).split(' ')[1]
  const network = `user,id=boot,hostfwd=tcp:127.0.0.1:${sshPort}-:22`
  await bootRamdisk({
    ...{ ramdisk, furtherInitrds: [segment.file], memoryMebibytes: 1024, kernelArguments: `quiet probe.key=${key}` },
    devices: [
      ...['-netdev', network, '-device', `virtio-net-pci,netdev=boot,mac=${bootMac},romfile=`],
      ...(await disks(directory)),
    ],
    ...{ directory, until: /REPORT (.*)/, deadlineMs: 300_000 },
    whileUp: async (match) => {
      const report = JSON.parse(match[1]!) as Report
      checkDisks(report)
      await checkSsh(t, report, directory, identity)
    },
  })
})

function checkDisks({
  broken,
  disks: found,
  troubles,
  arrayState,
  stateAfterwards,
  mounted,
  letter,
  cipher,
}: Report): void {
  assert.deepEqual(broken, [], 'programs that do not start')
  assert.deepEqual(troubles, [])
  assert.equal(found.arrays.length, 1)
  assert.deepEqual([found.volumeGroups, found.locked], [['things'], ['/dev/vdc']])
  assert.deepEqual(
    found.mountable.map(({ device, type, label, directory }) => [device, type, label, directory]).toSorted(),
    [
      ['/dev/mapper/mpath-sda1', 'ext4', 'twice', '/mnt/mpath-sda1'],
      ['/dev/mapper/things-papers', 'ext4', 'papers', '/mnt/things-papers'],
    ],
  )
  assert.deepEqual(found.multipath, ['/dev/mapper/mpath-sda'])
  assert.deepEqual([arrayState, stateAfterwards], ['read-auto', 'read-auto'], 'nothing was written to the array')
  assert.match(mounted, /things-papers.* at \/mnt\/things-papers/)
  assert.equal(letter, 'nothing is lost\n')
  assert.match(cipher, /^aes-xts/)
}

async function checkSsh(t: TestContext, { hostKey, fingerprint }: Report, directory: string, identity: string) {
  const knownHosts = join(directory, 'known-hosts')
  const options = [
    ...['-F', 'none', '-i', identity, '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes'],
    ...['-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'HostKeyAlias=rescued'],
  ]
  const ssh = (command: string) => runProgram('ssh', [...options, '-p', String(sshPort), 'root@127.0.0.1', command])
  await writeFile(knownHosts, `rescued ${hostKey}\n`)
  assert.equal(await ssh('cat /mnt/things-papers/letter; echo $0'), 'nothing is lost\nbash\n')
  assert.match(await runProgram('ssh-keygen', ['-lf', knownHosts]), new RegExp(fingerprint.replace(/[+/]/g, '\\$&')))
  const copy = join(directory, 'letter')
  const target = `root@127.0.0.1:/mnt/things-papers/letter`
  await runProgram('scp', ['-P', String(sshPort), ...options, target, copy])
  assert.equal(await readFile(copy, 'utf8'), 'nothing is lost\n', 'sftp works')
  await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, 'other')])
  const stranger = (await readFile(join(directory, 'other.pub'), 'utf8')).split(' ').slice(0, 2).join(' ')
  await writeFile(knownHosts, `rescued ${stranger}\n`)
  await assert.rejects(
    ssh('true'),
    (error) => error instanceof ProgramFailed && /verification failed/.test(error.stderr),
  )
  t.diagnostic(`reached by SSH with ${fingerprint}`)
}

async function disks(directory: string): Promise<string[]> {
  const image = async (name: string) => {
    const path = join(directory, `${name}.img`)
    await writeFile(path, '')
    await truncate(path, 96 * 2 ** 20)
    return path
  }
  const options: string[] = []
  for (const name of ['a', 'b', 'c']) options.push('-drive', `if=virtio,format=raw,file=${await image(name)}`)
  const shared = await image('shared')
  options.push('-device', 'virtio-scsi-pci,id=scsi')
  for (const path of ['one', 'two']) {
    options.push('-drive', `if=none,id=${path},format=raw,file.locking=off,file=${shared}`)
    options.push('-device', `scsi-hd,bus=scsi.0,drive=${path},serial=SHARED,wwn=0x5000c50015ea71ad,share-rw=on`)
  }
  return options
}
