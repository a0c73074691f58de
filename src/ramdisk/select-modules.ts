import { type ModuleIndex, moduleName } from './module-index.ts'

export type ModuleRules = { included: readonly string[]; excluded: readonly string[] }

/**
 * The modules the rules name, with everything they depend on, hard or soft, as sorted depmod paths. A dependency comes
 * even when the rules exclude it. Rules that name nothing of this kernel are no fault: kernels differ.
 */
export function selectModules(index: ModuleIndex, rules: ModuleRules): string[] {
  const selected = new Set<string>()
  const add = (path: string): void => {
    if (selected.has(path)) return
    selected.add(path)
    for (const dependency of index.dependencies.get(path) ?? []) add(dependency)
    for (const wanted of index.softDependencies.get(moduleName(path)) ?? []) {
      for (const name of index.byName.has(wanted) ? [wanted] : (index.byAlias.get(wanted) ?? [])) {
        const found = index.byName.get(name)
        if (found) add(found)
      }
    }
  }
  const included = ruleMatcher(rules.included)
  const excluded = ruleMatcher(rules.excluded)
  for (const path of index.dependencies.keys()) if (included(path) && !excluded(path)) add(path)
  return [...selected].sort()
}

/** Whether a depmod path falls under one of the rules of module-rules.ts. */
function ruleMatcher(rules: readonly string[]): (path: string) => boolean {
  const folders = rules.filter((rule) => rule.endsWith('/'))
  const modules = new Set(rules.filter((rule) => !rule.endsWith('/')))
  return (path) => {
    const inKernel = path.replace(/^kernel\//, '').replace(/\.ko(\.(xz|zst|gz))?$/, '')
    return modules.has(inKernel) || folders.some((folder) => inKernel.startsWith(folder))
  }
}
