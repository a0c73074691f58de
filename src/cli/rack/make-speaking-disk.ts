import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../../programs/run-program.ts'
import type { MachineSpec } from '../../rack/machine-spec.ts'
import { defaultCacheDirectory } from '../../ramdisk/build-ramdisk.ts'
import { fetchGrubModules } from '../../ramdisk/grub-modules.ts'
import { makeRawDisk } from './raw-disk.ts'

/** What such a disk writes to the console. */
export const spokenWord = 'THIS DISK STARTED'

const diskBytes = 64 * 2 ** 20
const espStartBytes = 2 ** 20

type Speaker = Pick<MachineSpec, 'firmware' | 'architecture'>

/** A raw disk of 64 MiB that does nothing but say on the console that it was started. UEFI's needs mtools. */
export async function makeSpeakingDisk(path: string, { firmware, architecture }: Speaker): Promise<void> {
  if (firmware === 'uefi') await makeSpeakingEsp(path, architecture === 'arm64' ? await arm64Grub() : x64Grub)
  else await writeFile(path, bootSector(spokenWord))
}

/** An MBR without partitions whose 23 bytes of code write `text` to the first serial port (16 bit, loaded at 0x7c00). */
function bootSector(text: string): Buffer {
  const disk = Buffer.alloc(diskBytes)
  const code = [
    ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8
    ...[0x31, 0xc0, 0x8e, 0xd8], // xor ax, ax; mov ds, ax
    ...[0xbe, 0x15, 0x7c], // mov si, text
    ...[0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8], // lodsb; test al, al; jz end; out dx, al; jmp lodsb
    ...[0xf4, 0xeb, 0xfd], // end: hlt; jmp end
  ]
  Buffer.from(code).copy(disk)
  disk.write(`${text}\r\n\0`, code.length, 'latin1')
  disk.writeUInt16LE(0xaa55, 510)
  return disk
}

/** `loader`: where firmware looks without a boot entry. `source`: grub-mkimage's arguments for what it is made of. */
type Grub = { loader: string; source: readonly string[] }

const x64Grub: Grub = { loader: 'BOOTX64.EFI', source: ['-O', 'x86_64-efi'] }

/** The package of the modules was fetched outside the rack (supplies.ts). */
async function arm64Grub(): Promise<Grub> {
  const modulesDirectory = await fetchGrubModules({ cacheDirectory: defaultCacheDirectory() })
  return { loader: 'BOOTAA64.EFI', source: ['-O', 'arm64-efi', '-d', modulesDirectory] }
}

/** A GPT with an ESP, and on it, where firmware looks without a boot entry, a GRUB that says the word. */
async function makeSpeakingEsp(path: string, grub: Grub): Promise<void> {
  await makeRawDisk(path, diskBytes)
  await runProgram('sfdisk', ['--quiet', path], { input: 'label: gpt\nstart=1MiB, type=U\n' })
  const esp = `${path}@@${espStartBytes}`
  const sectors = (diskBytes - 2 * espStartBytes) / 512
  await runProgram('mformat', ['-i', esp, '-T', String(sectors), '::'])
  const work = await mkdtemp(`${path}.`)
  try {
    const [configuration, loader] = [join(work, 'grub.cfg'), join(work, grub.loader)]
    await writeFile(configuration, `echo "${spokenWord}"\nsleep 600\n`)
    const modules = ['echo', 'sleep']
    const inputs = [...grub.source, '-p', '/', '-c', configuration, '-o', loader]
    await runProgram('grub-mkimage', [...inputs, ...modules])
    await runProgram('mmd', ['-i', esp, '::/EFI', '::/EFI/BOOT'])
    await runProgram('mcopy', ['-i', esp, loader, `::/EFI/BOOT/${grub.loader}`])
  } finally {
    await rm(work, { recursive: true })
  }
}
