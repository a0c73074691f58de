import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Upgrade } from '../core/rebuild.ts'
import { runProgram } from '../programs/run-program.ts'
import { formatAptSources } from './apt-sources.ts'
import type { AptSourceEntry } from './recipe.ts'

export type UpgradeQuery = {
  /** Text of the system's dpkg status. */
  status: string
  sources: readonly AptSourceEntry[]
  architecture: string
  /** Lines of apt's configuration, as for a build. */
  aptOptions: readonly string[]
  /** An empty one, for apt's lists. */
  directory: string
  signal?: AbortSignal | undefined
}

const timeoutMs = 5 * 60_000

/**
 * What apt would upgrade in a system that is not running, by its package database and the sources it was built from: apt
 * itself says so, with a state of its own. Throws ProgramFailed where no source answers.
 */
export async function findUpgrades(query: UpgradeQuery): Promise<Upgrade[]> {
  const { directory, status, sources, signal } = query
  const configuration = join(directory, 'apt.conf')
  for (const part of ['lists/partial', 'archives/partial']) await mkdir(join(directory, part), { recursive: true })
  await writeFile(join(directory, 'status'), status)
  await writeFile(join(directory, 'sources.list'), formatAptSources(sources))
  await writeFile(configuration, renderConfiguration(query))
  const options = { environment: { APT_CONFIG: configuration }, timeoutMs, signal }
  await runProgram('apt-get', ['-q', '-o', 'APT::Update::Error-Mode=any', 'update'], options)
  return parseUpgrades(await runProgram('apt-get', ['-q', '--simulate', 'dist-upgrade'], options))
}

/** What `apt-get --simulate` says it would install in another version: `Inst less [590-1] (590-2 Debian-Security:12/…`. Pure. */
export function parseUpgrades(simulation: string): Upgrade[] {
  return [...simulation.matchAll(/^Inst (\S+) \[([^\]]+)\] \((\S+) (.*) \[\S+\]\)/gm)].map(
    ([, name = '', from = '', to = '', archives = '']) => ({ name, from, to, isSecurity: /security/i.test(archives) }),
  )
}

/** Nothing of this machine's own packages counts; its keys do, as for a build. */
function renderConfiguration({ directory, architecture, aptOptions }: UpgradeQuery): string {
  const places = {
    ...{ 'Dir::State': directory, 'Dir::State::lists': 'lists', 'Dir::State::status': join(directory, 'status') },
    ...{ 'Dir::State::extended_states': join(directory, 'extended_states'), 'Dir::Cache': directory },
    ...{ 'Dir::Etc::sourcelist': join(directory, 'sources.list'), 'Dir::Etc::sourceparts': '/dev/null' },
    ...{ 'Dir::Etc::preferences': '/dev/null', 'Dir::Etc::preferencesparts': '/dev/null' },
    ...{ 'APT::Architecture': architecture, 'APT::Sandbox::User': 'root' },
  }
  const lines = Object.entries(places).map(([name, value]) => `${name} "${value}";`)
  return `${[...lines, '#clear APT::Architectures;', `APT::Architectures { "${architecture}"; };`, ...aptOptions].join('\n')}\n`
}
