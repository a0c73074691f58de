import { createHash } from 'node:crypto'
import { runProgram } from '../programs/run-program.ts'

const saltCharacters = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * crypt(5) with yescrypt, as Debian's own passwd does. The salt comes from `scope` and not from chance, because the same recipe must give the same
 * bytes; it must not come from the password, whose quick digest would then stand in the image.
 * The work is done by Perl, which every Debian has; the password goes to it through standard input only.
 */
export async function hashPassword(password: string, scope: string): Promise<string> {
  const digest = createHash('sha256').update(`bootwright password ${scope}`).digest()
  const salt = Array.from(digest.subarray(0, 16), (byte) => saltCharacters[byte & 63]).join('')
  const script = `chomp(my $word = <STDIN>); print crypt($word, '$y$j9T$${salt}')`
  const stdout = await runProgram('perl', ['-e', script], { input: `${password}\n`, timeoutMs: 30_000 })
  if (!stdout.startsWith('$y$')) throw new Error('Cannot hash a password: crypt(3) here does not know yescrypt')
  return stdout
}

/** Whether it is the password of a crypt(5) hash. Both go to Perl through standard input only. */
export async function matchesPassword(password: string, hash: string): Promise<boolean> {
  if (/[\r\n\0]/.test(password)) return false
  const script =
    'my $hash = <STDIN>; my $word = <STDIN>; chomp($hash, $word); my $made = crypt($word, $hash); print(defined $made && $made eq $hash ? "yes" : "no")'
  const stdout = await runProgram('perl', ['-e', script], { input: `${hash}\n${password}\n`, timeoutMs: 30_000 })
  return stdout === 'yes'
}
