import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { identityText, securityText } from './hdparm-output.fixture.ts'
import { standInProgram } from './stand-in-program.fixture.ts'

/**
 * hdparm on a drive with a password in the file `password`. The file `broken` has the options that the drive refuses; a refused
 * erase leaves it locked.
 */
export function ataDrive(t: TestContext, { password = '', broken = '', locked = false } = {}) {
  const directory = standInProgram(
    t,
    'hdparm',
    `echo "$*" >> calls
while [ $# -gt 0 ]; do case $1 in
  -N) exit 5 ;;
  -I) if [ -e password ] && [ -e locked ]; then cat identity-locked; elif [ -e password ]; then cat identity-enabled; else cat identity; fi; exit 0 ;;
  --security-*) option=$1 given=$2 ;;
esac; shift; done
if grep -qx -e "$option" broken; then [ "$option" = --security-set-pass ] || touch locked; echo "SG_IO: bad/missing sense data" >&2; exit 5; fi
case $option in
  --security-set-pass) echo "$given" > password; exit 0 ;;
esac
[ "$given" = "$(cat password)" ] || { echo "SG_IO: bad/missing sense data" >&2; exit 5; }
case $option in
  --security-unlock) rm -f locked ;;
  --security-disable | --security-erase*) rm -f password locked; echo " Issuing SECURITY_ERASE command" ;;
esac
`,
  )
  const keep = (name: string, text: string) => writeFileSync(join(directory, name), text)
  keep('identity', identityText(securityText({})))
  keep('identity-enabled', identityText(securityText({ enabled: true })))
  keep('identity-locked', identityText(securityText({ enabled: true, locked: true })))
  keep('broken', broken)
  if (password !== '') keep('password', `${password}\n`)
  if (locked) keep('locked', '')
  return {
    hasPassword: () => existsSync(join(directory, 'password')),
    calls: () => readFileSync(join(directory, 'calls'), 'utf8'),
  }
}
