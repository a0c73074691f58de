/** `version` as its package manager writes it: `1:2.3-4` of dpkg, `1:2.3-4.el9` of rpm. */
export type InstalledPackage = { manager: 'dpkg' | 'rpm'; name: string; architecture: string; version: string }

export type PackageChange = {
  change: 'added' | 'removed' | 'changed'
  manager: InstalledPackage['manager']
  name: string
  architecture: string
  before?: string
  after?: string
}

/** Sorted by name. Several versions of one package (kernels of rpm) are added and removed each for itself. */
export function comparePackages(
  before: readonly InstalledPackage[],
  after: readonly InstalledPackage[],
): PackageChange[] {
  const [old, now] = [versionsByPackage(before), versionsByPackage(after)]
  const changes: PackageChange[] = []
  for (const [key, { manager, name, architecture }] of [
    ...old.packages,
    ...now.packages.entries().filter(([key]) => !old.packages.has(key)),
  ]) {
    const identity = { manager, name, architecture }
    const [was, is] = [old.versions.get(key) ?? new Set<string>(), now.versions.get(key) ?? new Set<string>()]
    const [gone, come] = [[...was.difference(is)], [...is.difference(was)]]
    if (gone.length === 1 && come.length === 1) {
      changes.push({ change: 'changed', ...identity, before: gone[0]!, after: come[0]! })
      continue
    }
    changes.push(...gone.map((version) => ({ change: 'removed' as const, ...identity, before: version })))
    changes.push(...come.map((version) => ({ change: 'added' as const, ...identity, after: version })))
  }
  return changes.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.architecture < b.architecture ? -1 : 1))
}

function versionsByPackage(packages: readonly InstalledPackage[]) {
  const byKey = Map.groupBy(packages, ({ manager, name, architecture }) => `${manager} ${name} ${architecture}`)
  return {
    packages: new Map([...byKey].map(([key, same]) => [key, same[0]!])),
    versions: new Map([...byKey].map(([key, same]) => [key, new Set(same.map(({ version }) => version))])),
  }
}
