import type { Hook } from '../../core/setup.ts'
import type { InsideRoot } from '../inside-root.ts'

export const hooksDirectory = '/var/lib/bootwright/first-boot'

/** How much of what a hook says goes to the server: its end. */
const toldBytes = 16 * 1024

/** The scripts, numbered from 1, and the variables, which may be secrets: all of it goes once the scripts have run. */
export function writeFirstBootHooks(
  root: InsideRoot,
  hooks: readonly Hook[],
  environment: Readonly<Record<string, string>>,
): void {
  root.makeDirectory(hooksDirectory, 0o700)
  for (const name of root.list(hooksDirectory)) root.remove(`${hooksDirectory}/${name}`)
  const exports = Object.entries({ ...environment, BOOTWRIGHT_POINT: 'first-boot' }).map(
    ([name, value]) => `export ${name}=${quoteShell(value)}\n`,
  )
  root.writeText(`${hooksDirectory}/environment`, exports.join(''), 0o600)
  for (const [index, { script }] of hooks.entries()) root.writeText(`${hooksDirectory}/${index + 1}`, script, 0o700)
}

export function quoteShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/**
 * Parts of the proof's script. `run`: each hook at most once, whatever restarts come in between, the next one only after
 * one that ended well. `tell`: what each came to, in order, before the proof. `clean`: afterwards. Nothing where there are no hooks.
 */
export function renderFirstBootHooks(hooks: readonly Hook[]): { run: string; tell: string; clean: string } {
  if (hooks.length === 0) return { run: '', tell: '', clean: '' }
  const calls = hooks.map(({ timeoutSeconds }, index) => `run_hook ${index + 1} ${timeoutSeconds}`)
  const told = hooks.map((_, index) => `tell_hook ${index + 1}`)
  return {
    run: `
hooks=${hooksDirectory}

# number, seconds: its status and how long it took are in a file once it has ended.
run_hook() {
  if [ ! -e "$hooks/$1.begun" ]; then
    : >"$hooks/$1.begun"
    sync
    started=$(date +%s)
    ( umask 022; . "$hooks/environment" && exec timeout -k 10 "$2" "$hooks/$1" ) </dev/null >"$hooks/$1.output" 2>&1
    echo "$? $(($(date +%s) - started))" >"$hooks/$1.status"
  elif [ ! -e "$hooks/$1.status" ]; then
    echo 'interrupted 0' >"$hooks/$1.status"
  fi
  read -r status seconds <"$hooks/$1.status"
  [ "$status" = 0 ]
}

# One that did not run has nothing to tell.
tell_hook() {
  if [ ! -e "$hooks/$1.status" ] || [ -e "$hooks/$1.told" ]; then return 0; fi
  read -r status seconds <"$hooks/$1.status"
  tail -c ${toldBytes} "$hooks/$1.output" >"$hooks/body" 2>/dev/null
  post "/agent/first-boot?hook=$1&status=$status&seconds=$seconds" text/plain "$hooks/body" && : >"$hooks/$1.told"
}

${calls.join(' && ')}
rm -f "$hooks/environment" ${hooks.map((_, index) => `"$hooks/${index + 1}"`).join(' ')}
`,
    tell: `
  ${told.join(' && ')} || return 1`,
    clean: 'rm -rf "$hooks"\n',
  }
}
