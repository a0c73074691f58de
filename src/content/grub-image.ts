import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const timeoutMs = 30_000

export type GrubImage = { kind: 'made'; file: string } | { kind: 'unavailable'; reason: string }

export type GrubImageRecipe = {
  file: string
  /** `x86_64-efi`, `i386-pc-pxe`. */
  format: string
  /** Where GRUB looks for more of itself. */
  prefix: string
  modules: readonly string[]
  /** Debian's package of the modules, for the message. */
  package: string
  /** Writes what goes into the image to a directory of its own; gives grub-mkimage's arguments for it. */
  prepare: (directory: string) => Promise<string[]>
}

/** Makes a GRUB of one file, the same bytes from the same package. Written aside and renamed. */
export async function makeGrubImage(recipe: GrubImageRecipe): Promise<GrubImage> {
  const { file, format, prefix, modules } = recipe
  await mkdir(dirname(file), { recursive: true })
  const work = await mkdtemp(`${file}.`)
  try {
    const aside = join(work, 'image')
    const inputs = await recipe.prepare(work)
    // The prefix last: a memdisk sets one of its own.
    await run('grub-mkimage', ['-O', format, ...inputs, '-p', prefix, '-o', aside, ...modules], { timeout: timeoutMs })
    await rename(aside, file)
    return { kind: 'made', file }
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string }
    // ENOENT: the program is not installed. A number: it says why, most often that its modules are not.
    if (code !== 'ENOENT' && typeof code !== 'number') throw error
    const why = code === 'ENOENT' ? 'grub-mkimage is not installed' : stderr?.trim() || message
    return { kind: 'unavailable', reason: `${why}; install the Debian package ${recipe.package}` }
  } finally {
    await rm(work, { recursive: true })
  }
}
