import { ProgramFailed, runProgram } from '../../programs/run-program.ts'

/** A stretch of a disk, in bytes; all of it where none is given. */
export type Stretch = { startBytes: number; sizeBytes: number }

/** What blkid calls it: `ext4`, `xfs`, `btrfs`, `vfat`, `swap`, `crypto_LUKS`, `LVM2_member` … */
export type Filesystem = { type: string; uuid: string | undefined; label: string | undefined }

/** What a file or device, or a stretch of one, holds; undefined where nothing is known. Needs no root for a file. */
export async function probeFilesystem(file: string, stretch?: Stretch): Promise<Filesystem | undefined> {
  const where = stretch ? ['--offset', String(stretch.startBytes), '--size', String(stretch.sizeBytes)] : []
  const values = await runProgram('blkid', ['--probe', '--output', 'export', ...where, file]).catch((error) => {
    if (error instanceof ProgramFailed && error.message.includes('ended with code 2')) return ''
    throw error
  })
  const found = new Map(
    values.split('\n').map((line) => {
      const at = line.indexOf('=')
      return [line.slice(0, at), decodeEscapes(line.slice(at + 1))]
    }),
  )
  const type = found.get('TYPE')
  return type === undefined ? undefined : { type, uuid: found.get('UUID'), label: found.get('LABEL') }
}

/** blkid writes a backslash before what a shell would take for its own. */
function decodeEscapes(value: string): string {
  return value.replace(/\\(.)/g, '$1')
}
