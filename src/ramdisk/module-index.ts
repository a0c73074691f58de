/** What depmod found out about a kernel's modules. Paths are as depmod writes them: `kernel/fs/ext4/ext4.ko`. */
export type ModuleIndex = {
  /** Path to the paths it needs, all of them, not only the direct ones. */
  dependencies: ReadonlyMap<string, readonly string[]>
  /** Module name, with `_`, to path. */
  byName: ReadonlyMap<string, string>
  /** Alias without wildcards (`crypto-crc32c`) to the names that have it. */
  byAlias: ReadonlyMap<string, readonly string[]>
  /** Name to names and aliases to be loaded with it. */
  softDependencies: ReadonlyMap<string, readonly string[]>
}

/** Reads modules.dep, modules.alias and modules.softdep. */
export function parseModuleIndex(files: { dep: string; alias: string; softdep: string }): ModuleIndex {
  const dependencies = new Map<string, string[]>()
  const byName = new Map<string, string>()
  for (const line of files.dep.split('\n')) {
    const colon = line.indexOf(':')
    if (colon < 0) continue
    const path = line.slice(0, colon)
    dependencies.set(
      path,
      line
        .slice(colon + 1)
        .split(' ')
        .filter(Boolean),
    )
    byName.set(moduleName(path), path)
  }
  return { dependencies, byName, byAlias: parseAliases(files.alias), softDependencies: parseSoftdeps(files.softdep) }
}

/** `kernel/net/8021q/8021q.ko.xz` is `8021q`; the kernel takes `-` and `_` for the same. */
export function moduleName(path: string): string {
  return path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.ko(\.(xz|zst|gz))?$/, '')
    .replaceAll('-', '_')
}

function parseAliases(text: string): Map<string, string[]> {
  const aliases = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [word, alias, name] = line.split(' ')
    if (word !== 'alias' || !alias || !name || alias.includes('*')) continue
    const key = alias.replaceAll('-', '_')
    aliases.set(key, [...(aliases.get(key) ?? []), name])
  }
  return aliases
}

/** `softdep ext4 pre: crypto-crc32c post: …` */
function parseSoftdeps(text: string): Map<string, string[]> {
  const softdeps = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [word, name, ...rest] = line.trim().split(/\s+/)
    if (word !== 'softdep' || !name) continue
    const key = name.replaceAll('-', '_')
    const wanted = rest.filter((each) => !each.endsWith(':')).map((each) => each.replaceAll('-', '_'))
    softdeps.set(key, [...(softdeps.get(key) ?? []), ...wanted])
  }
  return softdeps
}
