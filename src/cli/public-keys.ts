import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

const publicKey = /^(?:\S+ )?(?:ssh|ecdsa|sk)-\S+ AAAA[A-Za-z0-9+/]+={0,2}(?: .*)?$/

/** Lines of the files, or of the user's own `~/.ssh/id_*.pub` where none are named. Throws when a file has no public key. */
export async function readPublicKeys(files: readonly string[] | undefined, home = homedir()): Promise<string[]> {
  const keys: string[] = []
  for (const file of files ?? (await ownKeyFiles(home))) {
    const lines = (await readFile(file, 'utf8')).split(/\r?\n/).map((line) => line.trim())
    const found = lines.filter((line) => publicKey.test(line))
    if (found.length === 0) throw new Error(`there is no public SSH key in ${file}; it is the file that ends in .pub`)
    keys.push(...found)
  }
  return [...new Set(keys)]
}

async function ownKeyFiles(home: string): Promise<string[]> {
  const names = await readdir(join(home, '.ssh')).catch(() => [])
  return names.filter((name) => /^id_.+\.pub$/.test(name)).map((name) => join(home, '.ssh', name))
}
