import { BuildFailed } from './build-errors.ts'
import { openArchive } from './open-archive.ts'
import type { ReadRecipe } from './read-recipe.ts'

/** Shorter ones are met by chance. */
const shortestBytes = 8

/** A secret of the recipe's that stands in the archive as it is ends the build. Throws BuildFailed. */
export async function refuseSecrets(
  { recipe, secrets }: ReadRecipe,
  tarPath: string,
  step: string,
  logPath: string,
): Promise<void> {
  const wanted = secrets
    .map(({ name, content }) => ({ name, bytes: Buffer.from(content.toString('latin1').trim(), 'latin1') }))
    .filter(({ bytes }) => bytes.length >= shortestBytes)
  if (wanted.length === 0) return
  const longest = Math.max(...wanted.map(({ bytes }) => bytes.length))
  let kept = Buffer.alloc(0)
  for await (const part of openArchive(tarPath)) {
    const window = Buffer.concat([kept, part])
    const found = wanted.find(({ bytes }) => window.includes(bytes))
    if (found) {
      throw new BuildFailed(recipe.name, step, `the secret ${found.name} is in the finished system`, logPath)
    }
    // A secret may lie across two parts.
    kept = Buffer.from(window.subarray(Math.max(0, window.length - longest + 1)))
  }
}
