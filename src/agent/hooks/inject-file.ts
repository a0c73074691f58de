import type { InjectedFile } from '../../core/setup.ts'
import type { FileOwner, InsideRoot } from '../inside-root.ts'

/** A user or group of a file that the new system does not have. */
export class OwnerUnknown extends Error {
  override readonly name = 'OwnerUnknown'
}

/** Never through a link of the image in the file's own place. Throws OwnerUnknown and UnusablePath. */
export function injectFile(root: InsideRoot, { path, text, mode, owner }: InjectedFile): void {
  root.writeText(path, text, mode, findOwner(root, path, owner))
}

/** `owner`: `USER:GROUP`, each a name of the new system or a number. */
function findOwner(root: InsideRoot, path: string, owner: string): FileOwner {
  const [user = '', group = ''] = owner.split(':')
  return {
    uid: findId(root, '/etc/passwd', user, `Cannot give ${path} to the user ${user}`),
    gid: findId(root, '/etc/group', group, `Cannot give ${path} to the group ${group}`),
  }
}

/** passwd(5) and group(5) have name and number in the same columns. */
function findId(root: InsideRoot, list: string, name: string, refusal: string): number {
  if (/^\d+$/.test(name)) return Number(name)
  const lines = (root.readText(list) ?? '').split('\n').map((line) => line.split(':'))
  const id = lines.find((columns) => columns[0] === name)?.[2]
  if (id !== undefined && /^\d+$/.test(id)) return Number(id)
  throw new OwnerUnknown(
    `${refusal}: ${list} of the image has none of that name; use a number, or let an after-write hook make it and give the file away`,
  )
}
