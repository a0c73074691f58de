import { dirname, join } from 'node:path'
import { importRecipe } from '../../build/import-recipe.ts'
import type { AgentArchitecture } from '../../core/agent-architecture.ts'
import { openSiteKeys, type SiteKeys, trustOf } from '../../deploy/site-keys.ts'
import { openRepository } from '../../image/repository.ts'
import { chooseAccelerator } from '../../rack/accelerator.ts'
import { requireArm64 } from '../../rack/check-rack.ts'
import type { Credentials } from '../../rack/login.ts'
import { buildRamdisk, defaultCacheDirectory } from '../../ramdisk/build-ramdisk.ts'
import { fetchGrubModules } from '../../ramdisk/grub-modules.ts'
import type { ProgressBar } from '../progress-bar.ts'

/** What a rack needs that is made outside, because it needs the internet or takes long; all of it is cached. */
export type RackSupplies = {
  imagesDirectory: string
  keysDirectory: string
  ramdiskDirectory: string
  /** Reference of the image under test. */
  image: string
  /** The tar that it was imported from. */
  /** Of the trial's image; empty where the image is the operator's own. */
  imageTar: string
  /** Of the user that the image's recipe makes. */
  credentials: Credentials
  /** QEMU's arguments that say how the processor is emulated. */
  accelerator: readonly string[]
}

const image = 'debian-minimal'
const recipePath = join(import.meta.dirname, '../../../recipes', `${image}.yaml`)
/** As the recipe says; for trial and tests only. */
const credentials: Credentials = { user: 'operator', password: 'bootwright' }

/** An image of the operator's, in place of the trial's: a reference, its repository, and the keys that signed it. */
export type OwnImage = Pick<RackSupplies, 'image' | 'imagesDirectory' | 'keysDirectory'>

/** Makes, or finds in the cache, image, keys and ramdisk, and finds out how machines are emulated here. */
export async function prepareSupplies(bar: ProgressBar, signal?: AbortSignal, own?: OwnImage): Promise<RackSupplies> {
  const cacheDirectory = defaultCacheDirectory()
  const directory = join(cacheDirectory, 'rack')
  const places = own ?? { image, imagesDirectory: join(directory, 'images'), keysDirectory: join(directory, 'keys') }
  const keys = await openSiteKeys(places.keysDirectory)
  const { imagesDirectory } = places
  const imageTar = own ? '' : await prepareImage({ cacheDirectory, imagesDirectory, keys, bar, signal })
  const ramdisk = await prepareRamdisk({ architecture: 'x64', directory, keys, log: (line) => bar.say(line), signal })
  const { arguments: accelerator, because } = await chooseAccelerator(join(ramdisk, 'vmlinuz'), directory)
  bar.say(`machines run with ${accelerator.join(' ')}: ${because}`)
  return { ...places, ramdiskDirectory: ramdisk, imageTar, credentials, accelerator }
}

type Preparation = { cacheDirectory: string; keys: SiteKeys; bar: ProgressBar; signal: AbortSignal | undefined }

async function prepareImage(preparation: Preparation & { imagesDirectory: string }): Promise<string> {
  const { cacheDirectory, imagesDirectory, keys, bar, signal } = preparation
  const { tarPath } = await importRecipe(await openRepository(imagesDirectory), recipePath, {
    ...{ image, signingKey: keys.imageKey, comment: 'for the virtual rack', signal },
    cacheDirectory: join(cacheDirectory, 'build'),
    onBuild: ({ step, detail }) => bar.say(`image: ${detail ? `${step}: ${detail}` : step}`),
    onProgress: ({ bytesDone, bytesTotal }) => bar.update('image: import', bytesDone, bytesTotal),
  })
  bar.clear()
  return tarPath
}

/** The same with the ramdisk for arm64; what the service then makes its GRUB of is in the cache. Rejects with RackUnavailable. */
export async function arm64Supplies(
  supplies: RackSupplies,
  { log, signal }: { log: (line: string) => void; signal: AbortSignal | undefined },
): Promise<RackSupplies> {
  await requireArm64()
  const keys = await openSiteKeys(supplies.keysDirectory)
  const directory = dirname(dirname(supplies.ramdiskDirectory))
  const ramdiskDirectory = await prepareRamdisk({ architecture: 'arm64', directory, keys, log, signal })
  await fetchGrubModules({ cacheDirectory: defaultCacheDirectory(), ...(signal && { signal }) })
  return { ...supplies, ramdiskDirectory }
}

type RamdiskPreparation = {
  architecture: AgentArchitecture
  directory: string
  keys: SiteKeys
  log: (line: string) => void
  signal: AbortSignal | undefined
}

async function prepareRamdisk(preparation: RamdiskPreparation): Promise<string> {
  const { architecture, directory, keys, log, signal } = preparation
  const ramdisk = await buildRamdisk({
    architecture,
    cacheDirectory: defaultCacheDirectory(),
    outputDirectory: join(directory, 'ramdisk'),
    trust: trustOf(keys),
    onProgress: (message) => log(`ramdisk: ${message}`),
    ...(signal && { signal }),
  })
  return ramdisk.directory
}
