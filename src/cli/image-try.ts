import { join } from 'node:path'
import type { Command } from 'commander'
import { type Shared, sharedCommand } from './image-service.ts'
import { printJson } from './output.ts'

export function tryCommand(): Command {
  return sharedCommand('try <version>')
    .description('deploys a version (NAME, NAME:TAG or NAME@VERSION) to a virtual machine, which must boot it')
    .option('--images <directory>', 'where the images are (default: DATA/images)')
    .option('--keys <directory>', 'keys that signed them (default: DATA/keys)')
    .action(tryVersion)
}

type Options = Shared & { images?: string; keys?: string }

async function tryVersion(reference: string, options: Options): Promise<void> {
  const { runCases } = await import('./rack/run-cases.ts')
  const { rackCase } = await import('./rack/image-boots.ts')
  const [result] = await runCases({
    cases: [{ ...rackCase, path: join(import.meta.dirname, 'rack/image-boots.ts') }],
    log: (line) => process.stderr.write(`${line}\n`),
    own: {
      image: reference,
      imagesDirectory: options.images ?? join(options.data, 'images'),
      keysDirectory: options.keys ?? join(options.data, 'keys'),
    },
  })
  if (options.json) printJson(result)
  else process.stdout.write(`${reference}: ${result?.ok ? 'it boots' : `it did not boot: ${result?.failure}`}\n`)
  if (!result?.ok) process.exitCode = 1
}
