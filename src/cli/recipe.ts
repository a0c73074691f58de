import { readlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isatty } from 'node:tty'
import { Command } from 'commander'
import { jsonOption } from './data-directory.ts'
import { formatBytes, printJson } from './output.ts'

export function recipeCommand(): Command {
  const command = new Command('recipe').description('how images are built (docs/recipes.md)')
  command
    .command('lint')
    .description('reads a recipe and all it refers to, and says what is wrong where')
    .argument('<file>')
    .action(lint)
  command.command('schema').description('the JSON schema of recipes, for editors').action(schema)
  command
    .command('build')
    .description('builds a recipe that begins with nothing as a tarball, without the service: to try it')
    .argument('<file>')
    .option('--shell-on-error', 'a shell in the system as it is then, where a step inside it fails')
    .option('--ignore-cache', 'build although it was built before')
    .addOption(jsonOption())
    .action(build)
  return command
}

async function lint(file: string): Promise<void> {
  const { readRecipe } = await import('../build/read-recipe.ts')
  const { recipe } = await readRecipe(file)
  process.stdout.write(`${file}: ${recipe.name} is in order\n`)
}

async function schema(): Promise<void> {
  const { Recipe } = await import('../build/recipe.ts')
  printJson({ $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Bootwright recipe', ...Recipe })
}

type BuildChoices = { shellOnError?: boolean; ignoreCache?: boolean; json?: boolean }

async function build(file: string, options: BuildChoices): Promise<void> {
  const { buildRecipe } = await import('../build/build-recipe.ts')
  const { readRecipe } = await import('../build/read-recipe.ts')
  const { defaultCacheDirectory } = await import('../ramdisk/build-ramdisk.ts')
  const startedAt = performance.now()
  const result = await buildRecipe(await readRecipe(resolve(file)), {
    cacheDirectory: join(defaultCacheDirectory(), 'build'),
    onProgress: ({ step, detail }) => process.stderr.write(`${detail ? `${step}: ${detail}` : step}\n`),
    ignoreCache: options.ignoreCache ?? false,
    shellOnError: options.shellOnError ? await terminalPath() : undefined,
  })
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10
  if (options.json) return printJson({ ...result, seconds })
  const { tarPath, sizeBytes, packages } = result
  process.stdout.write(`${tarPath}: ${formatBytes(sizeBytes)}, ${packages.length} packages, in ${seconds} s\n`)
}

/** Its path, because what is run in the system has no terminal of its own. */
async function terminalPath(): Promise<string> {
  if (!isatty(0)) throw new Error('--shell-on-error needs a terminal: standard input is none')
  return readlink('/proc/self/fd/0')
}
