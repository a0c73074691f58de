import type { BootMenu, BootMenuEntry } from './core/boot-menu.ts'
import type { Machine } from './core/machine.ts'
import type { CheckedFile } from './core/yaml-file.ts'
import type { SettingsEntry, SiteFile } from './dhcp/site-file.ts'

type GivenMenu = NonNullable<SettingsEntry['menu']>
type Path = readonly string[]

/** The menu of each machine: its own, else its group's, else everybody's. Throws YamlFileInvalid. */
export function siteMenus({ content, refuse }: CheckedFile<SiteFile>): (machine: Machine) => BootMenu | undefined {
  const { settings = {}, groups = {}, machines = {} } = content
  const read = (entry: SettingsEntry, path: Path) => {
    if (!entry.menu) return undefined
    const problem = problemOf(entry.menu)
    return problem ? refuse([{ path: [...path, 'menu'], message: problem }]) : menuOf(entry.menu)
  }
  const readAll = (section: Record<string, SettingsEntry>, path: string) =>
    new Map(Object.entries(section).map(([name, entry]) => [name, read(entry, [path, name])]))
  const everybody = read(settings, ['settings'])
  const ofGroup = readAll(groups, 'groups')
  const ofMachine = readAll(machines, 'machines')
  return ({ name, group }) => ofMachine.get(name) ?? ofGroup.get(group) ?? everybody
}

function problemOf({ defaultEntry, entries }: GivenMenu): string | undefined {
  const names = entries.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) return `two entries have the name ${twice}`
  if (defaultEntry !== undefined && !names.includes(defaultEntry)) return `it has no entry ${defaultEntry}`
  const odd = entries.find(({ boot, kernel }) => (boot === undefined) === (kernel === undefined))
  return odd && `the entry ${odd.name} needs either boot (disk, agent) or a kernel`
}

function menuOf({ entries, ...rest }: GivenMenu): BootMenu {
  return { ...rest, entries: entries as readonly BootMenuEntry[] }
}
