import fs from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { importDirectory } from './import-directory.ts'
import { temporaryDirectory } from './nasty-tree.fixture.ts'
import { openRepository, type Repository, type Version } from './repository.ts'
import { openSigningKey, type SigningKey } from './signing-key.ts'

export type SmallVersions = {
  directory: string
  repository: Repository
  signingKey: SigningKey
  /** Imports a tree of these files, by path; equal files give equal versions. */
  put: (image: string, files: Record<string, string | Buffer>, comment?: string) => Promise<Version>
}

/** An empty repository and a key, in a directory that goes with the test. */
export async function smallVersions(t: TestContext): Promise<SmallVersions> {
  const directory = temporaryDirectory(t)
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  const source = path.join(directory, 'source')
  return {
    directory,
    repository,
    signingKey,
    put(image, files, comment) {
      fs.rmSync(source, { recursive: true, force: true })
      for (const [name, content] of Object.entries({ ...files })) writeAt(path.join(source, name), content)
      for (const name of ['', ...fs.readdirSync(source, { recursive: true, encoding: 'utf8' })]) {
        fs.utimesSync(path.join(source, name), 1, 1)
      }
      return importDirectory(repository, source, { image, signingKey, comment })
    },
  }
}

function writeAt(file: string, content: string | Buffer): void {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, content)
}
