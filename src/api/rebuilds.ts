import { nextTime, type Promotion, type RebuildOutcome, type Upgrade } from '../core/rebuild.ts'
import { Conflict, NotFound } from '../deploy/refusals.ts'
import type { StateChanges } from '../deploy/state-changes.ts'
import type { CleanUpName } from '../image/clean-up/operations.ts'
import type { VersionDifference } from '../image/diff/diff-versions.ts'
import { containerFingerprint, modelFingerprint } from '../image/model-fingerprint.ts'
import type { Version } from '../image/repository.ts'
import { deleteRebuild, findRebuild, listRebuilds, putRebuild, type RebuildRow } from '../store/rebuild-rows.ts'
import type { ImageShelf } from './image-shelf.ts'
import type { ImportSource } from './import-source.ts'
import { resultOf } from './job-end.ts'

export type Rebuild = Omit<RebuildRow, 'source' | 'cleanUp'> & { source: ImportSource; cleanUp: CleanUpName[] }
export type RebuildSettings = Pick<Rebuild, 'source' | 'cleanUp' | 'every' | 'promotion' | 'updates'>

/** Boots a version on a virtual machine; throws where that does not come up, in words. */
export type BootTest = (reference: string) => Promise<void>

const candidate = 'candidate'

/** Images that are made anew from their models, when these have changed. One at a time: it is heavy work. */
export class Rebuilds {
  readonly #state: StateChanges
  readonly #images: ImageShelf
  readonly #bootTest: BootTest
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: { state: StateChanges; images: ImageShelf; bootTest: BootTest }) {
    this.#state = parts.state
    this.#images = parts.images
    this.#bootTest = parts.bootTest
  }

  async list(): Promise<Rebuild[]> {
    return (await listRebuilds(this.#state.db)) as Rebuild[]
  }

  /** Throws NotFound. */
  async get(image: string): Promise<Rebuild> {
    const rebuild = await findRebuild(this.#state.db, image)
    if (!rebuild) throw new NotFound(`${image} is not rebuilt by itself; 'bootwright image rebuild set' says from what`)
    return rebuild as Rebuild
  }

  /** Throws Conflict. */
  async set(image: string, settings: RebuildSettings): Promise<Rebuild> {
    if (settings.updates && settings.source.kind !== 'recipe') {
      throw new Conflict('newer packages are looked for in the sources of a recipe: name one, or leave updates out')
    }
    const dueAt = nextTime(settings.every, this.#state.now())
    const rebuild = { image, ...settings, dueAt }
    await putRebuild(this.#state.db, rebuild)
    return rebuild
  }

  /** Throws NotFound. */
  async remove(image: string): Promise<void> {
    await this.get(image)
    await deleteRebuild(this.#state.db, image)
  }

  /** Looks at the models whose time has come, and builds layers whose base is another by now. Called every few seconds. */
  async lookAtDue(): Promise<void> {
    for (const rebuild of await this.list()) {
      if (rebuild.dueAt <= this.#state.now() || (await this.#hasOtherBase(rebuild))) await this.run(rebuild.image)
    }
  }

  /** A recipe that cannot be read says so at its time. */
  async #hasOtherBase({ source, builtOn }: Rebuild): Promise<boolean> {
    if (builtOn === undefined || source.kind !== 'recipe') return false
    const base = await this.#images.recipeBase(source.path).catch(() => undefined)
    return base !== undefined && base !== builtOn
  }

  /** Rebuilds an image if its model has changed, or whatever it is like where `isForced`. Throws NotFound. */
  run(image: string, isForced = false): Promise<RebuildOutcome> {
    const turn = this.#last.then(async () => this.#run(await this.get(image), isForced))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #run(rebuild: Rebuild, isForced: boolean): Promise<RebuildOutcome> {
    const { image, every } = rebuild
    let { fingerprint, builtOn } = rebuild
    let outcome: RebuildOutcome
    try {
      const { source } = rebuild
      if (source.kind === 'recipe') builtOn = await this.#images.recipeBase(source.path)
      const now = await this.#fingerprintOf(rebuild)
      const isSame = now !== undefined && now === fingerprint && !isForced
      const upgrades = isSame ? await this.#upgradesOf(rebuild) : []
      outcome =
        isSame && upgrades.length === 0
          ? this.#outcome('unchanged', sameWords(rebuild))
          : await this.#build(rebuild, upgrades)
      fingerprint = now
    } catch (error) {
      outcome = this.#outcome('failed', (error as Error).message)
    }
    const dueAt = nextTime(every, this.#state.now())
    await this.#state.commit(async (change) => {
      const found = { ...(fingerprint !== undefined && { fingerprint }), ...(builtOn !== undefined && { builtOn }) }
      await putRebuild(change.db, { ...rebuild, dueAt, outcome, ...found })
      if (outcome.kind === 'unchanged') return
      const message = `${image} was rebuilt: ${outcome.message}`
      await change.tell({ kind: 'image', message, data: { image, ...outcome } })
    })
    return outcome
  }

  /** Undefined where a look does not say whether the model changed: then it is built, and is the same version if it did not. */
  async #fingerprintOf({ source, updates }: Rebuild): Promise<string | undefined> {
    if (source.kind === 'recipe') return updates && this.#images.recipeInputs(source.path)
    if (source.kind === 'lxc') return containerFingerprint(source.name)
    return source.kind === 'directory' || source.kind === 'btrfs' ? modelFingerprint(source.path) : undefined
  }

  /** Newer packages than the current version has, of those that are wanted. */
  async #upgradesOf({ image, source, updates }: Rebuild): Promise<Upgrade[]> {
    const version = await this.#current(image)
    if (updates === undefined || source.kind !== 'recipe' || version === undefined) return []
    const job = this.#images.start({ kind: 'upgrades', version, recipePath: source.path })
    const upgrades = (await resultOf<Upgrade[] | null>(job)) ?? []
    return updates === 'all' ? upgrades : upgrades.filter(({ isSecurity }) => isSecurity)
  }

  async #build({ image, source, cleanUp, promotion }: Rebuild, upgrades: Upgrade[]): Promise<RebuildOutcome> {
    const current = await this.#current(image)
    const job = { kind: 'import' as const, image, source, cleanUp, comment: 'rebuilt from its model', isCurrent: false }
    const { id } = await resultOf<Version>(this.#images.start(job))
    if (id === current) return this.#outcome('unchanged', `it is the same version${withheldWords(upgrades)}`)
    await this.#images.setTag(`${image}@${id}`, candidate)
    const what = `${id.slice(0, 12)}${causeWords(upgrades)}${current === undefined ? '' : `: ${await this.#describeChange(current, id)}`}`
    const told = await this.#promote(`${image}@${id}`, promotion)
    const outcome = this.#outcome(told.isCurrent ? 'promoted' : 'candidate', `${what}; ${told.words}`)
    return { ...outcome, version: id, ...(upgrades.length > 0 && { upgrades }) }
  }

  async #promote(reference: string, promotion: Promotion): Promise<{ isCurrent: boolean; words: string }> {
    if (promotion === 'by-hand')
      return { isCurrent: false, words: 'it is the candidate until a person tags it current' }
    try {
      if (promotion === 'boot-test') await this.#bootTest(reference)
    } catch (error) {
      return { isCurrent: false, words: `it stays the candidate, its boot test failed: ${(error as Error).message}` }
    }
    await this.#images.setTag(reference, 'current')
    return { isCurrent: true, words: promotion === 'boot-test' ? 'it booted, and is current' : 'it is current' }
  }

  async #current(image: string): Promise<string | undefined> {
    const images = await this.#images.list()
    return images.find(({ name }) => name === image)?.tags.current
  }

  async #describeChange(before: string, after: string): Promise<string> {
    const { packages, files } = await resultOf<VersionDifference>(this.#images.start({ kind: 'diff', before, after }))
    const words = packages.map((one) => `${one.name} ${one.before ?? '(new)'} → ${one.after ?? '(gone)'}`)
    const first = words.slice(0, 5).join(', ')
    const others = words.length > 5 ? ` and ${words.length - 5} more` : ''
    const count = files.added + files.removed + files.changed
    return words.length === 0 ? `${count} files differ, no package` : `${first}${others}`
  }

  #outcome(kind: RebuildOutcome['kind'], message: string): RebuildOutcome {
    return { at: this.#state.now(), kind, message }
  }
}

function sameWords({ updates }: Rebuild): string {
  if (updates === undefined) return "the model's packages are as they were"
  return `the recipe is as it was, and no newer packages ${updates === 'security' ? 'for security ' : ''}are offered`
}

function causeWords(upgrades: readonly Upgrade[]): string {
  if (upgrades.length === 0) return ''
  const kind = upgrades.every(({ isSecurity }) => isSecurity) ? 'security updates' : 'updates'
  return `, for ${kind} of ${upgrades.map(({ name }) => name).join(', ')}`
}

/** A layer does not renew what its base has. */
function withheldWords(upgrades: readonly Upgrade[]): string {
  if (upgrades.length === 0) return ''
  const words = upgrades.map(({ name, from, to }) => `${name} ${from} → ${to}`)
  return `, although newer packages are offered (${words.join(', ')}): what it builds on has them from before`
}
