import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { removeEfiBootEntries, writeEfiBootEntry } from './efi-boot-entry.ts'

/** Firmware in a directory: efibootmgr's interface as far as it is used. `set` is what it does with an order it is given. */
function installFirmware(t: TestContext, set: string, remove = 'sed -i "/^Boot$3/d" entries') {
  const directory = mkdtempSync(join(tmpdir(), 'bootwright-firmware-'))
  const path = process.env.PATH
  process.env.PATH = `${directory}:${path}`
  t.after(() => {
    process.env.PATH = path
    rmSync(directory, { recursive: true })
  })
  const state = (name: string, text: string) => writeFileSync(join(directory, name), text)
  state('order', '0000,0003')
  state('entries', 'Boot0000* UiApp\nBoot0003* UEFI PXEv4\nBoot0007* Bootwright disk\n')
  const addEntry = (line: string) => state('entries', `${read('entries')}${line}\n`)
  const program = `#!/bin/sh
cd ${directory}
case "$*" in
  *--bootnum*) ${remove}; exit ;;
  *--bootorder*) order=$3; ${set}; exit ;;
  *--create-only*) echo "Boot0004* Bootwright disk" >> entries; echo "$*" > created ;;
esac
echo 'BootCurrent: 0003'
echo "BootOrder: $(cat order)"
cat entries
`
  writeFileSync(join(directory, 'efibootmgr'), program, { mode: 0o755 })
  const read = (name: string) => readFileSync(join(directory, name), 'utf8')
  const write = () => writeEfiBootEntry('/dev/vda', 2, '\\EFI\\debian\\shimx64.efi', t.signal, directory)
  const forget = (guids: string[], all: boolean) =>
    removeEfiBootEntries({ guids: new Set(guids), all }, t.signal, directory)
  return { write, forget, addEntry, read }
}

test('writeEfiBootEntry() replaces its entry and puts it behind the network', async (t) => {
  const { write, read } = installFirmware(t, 'echo "$order" > order')
  assert.deepEqual(await write(), {
    detail: 'boot entry 0004 made, boot order 0003 0004 0000',
    bootOrder: ['0003', '0004', '0000'],
  })
  assert.doesNotMatch(read('entries'), /0007/)
  assert.match(
    read('created'),
    /--disk \/dev\/vda --part 2 --label Bootwright disk --loader \\EFI\\debian\\shimx64.efi/,
  )
})

test('writeEfiBootEntry() reads again, and notices firmware that does not keep the order', async (t) => {
  const { write } = installFirmware(t, ':')
  const { detail, notice, bootOrder } = await write()
  assert.equal(detail, 'boot entry 0004 made, boot order 0003 0004 0000, not kept')
  assert.match(notice!, /^the firmware did not keep the boot order 0003 0004 0000: it has 0000 0003;/)
  assert.equal(bootOrder, undefined)
})

test('writeEfiBootEntry() notices firmware that refuses, and goes on', async (t) => {
  const { write } = installFirmware(t, 'echo "Could not set BootOrder: No space left on device" >&2; exit 8')
  const { detail, notice } = await write()
  assert.equal(detail, 'no boot entry')
  assert.match(notice!, /No space left on device/)
})

const wipedGuid = '8B0E1C6A-3D0F-4C1B-9E57-0A1B2C3D4E5F'
const entryFrom = (number: string, label: string, guid: string) =>
  `Boot${number}* ${label}\tHD(2,GPT,${guid.toLowerCase()},0x800,0x100000)/\\EFI\\debian\\shimx64.efi`

test('removeEfiBootEntries() removes what starts from the wiped partitions, whoever made it, and nothing else', async (t) => {
  const { forget, addEntry, read } = installFirmware(t, ':')
  addEntry(entryFrom('0008', 'debian', wipedGuid))
  addEntry(entryFrom('0009', 'other', wipedGuid.replace('8B', '8C')))
  assert.equal(await forget([wipedGuid], false), 'boot entries of what was wiped are removed: 0008 debian')
  assert.match(read('entries'), /^Boot0007\* Bootwright disk$/m, 'it may start from a disk that was not wiped')
  assert.equal(await forget([], true), 'boot entries of what was wiped are removed: 0007 Bootwright disk')
  assert.equal(await forget([wipedGuid], true), 'the firmware had no boot entry of what was wiped')
  assert.match(read('entries'), /^Boot0009\* other/m)
})

test('removeEfiBootEntries() tells of firmware that keeps an entry, or refuses', async (t) => {
  const keeps = installFirmware(t, ':', ':')
  assert.match(
    await keeps.forget([], true),
    /^the firmware keeps boot entries of what was wiped: 0007 Bootwright disk$/,
  )
  const refuses = installFirmware(t, ':', 'echo "Could not delete variable: Invalid argument" >&2; exit 15')
  assert.match(await refuses.forget([], true), /are not removed: .*Invalid argument/)
})
