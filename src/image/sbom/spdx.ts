import type { InstalledPackage } from '../diff/installed-package.ts'

/** What a version's document is made of. `createdAt`: milliseconds since the epoch. */
export type SbomFacts = {
  image: string
  version: string
  createdAt: number
  /** ID of os-release: `debian`, `fedora`. */
  distribution: string | undefined
  packages: readonly InstalledPackage[]
}

type SpdxPackage = {
  SPDXID: string
  name: string
  versionInfo: string
  downloadLocation: 'NOASSERTION'
  filesAnalyzed: false
  licenseConcluded: 'NOASSERTION'
  licenseDeclared: 'NOASSERTION'
  copyrightText: 'NOASSERTION'
  primaryPackagePurpose?: 'OPERATING-SYSTEM'
  externalRefs?: { referenceCategory: 'PACKAGE-MANAGER'; referenceType: 'purl'; referenceLocator: string }[]
}

/** SPDX 2.3 as JSON (ISO/IEC 5962). The same version always gives the same document. */
export type SpdxDocument = {
  spdxVersion: 'SPDX-2.3'
  dataLicense: 'CC0-1.0'
  SPDXID: 'SPDXRef-DOCUMENT'
  name: string
  documentNamespace: string
  creationInfo: { created: string; creators: string[] }
  packages: SpdxPackage[]
  relationships: { spdxElementId: string; relationshipType: 'DESCRIBES' | 'CONTAINS'; relatedSpdxElement: string }[]
}

const unasserted = {
  downloadLocation: 'NOASSERTION',
  filesAnalyzed: false,
  licenseConcluded: 'NOASSERTION',
  licenseDeclared: 'NOASSERTION',
  copyrightText: 'NOASSERTION',
} as const
const imageId = 'SPDXRef-image'

export function spdxOf(facts: SbomFacts): SpdxDocument {
  const { image, version, createdAt, distribution } = facts
  const packages = facts.packages
    .map((installed) => spdxPackage(installed, distribution))
    .sort((a, b) => (a.SPDXID < b.SPDXID ? -1 : 1))
  const whole: SpdxPackage = {
    ...{ SPDXID: imageId, name: image, versionInfo: version, primaryPackagePurpose: 'OPERATING-SYSTEM' },
    ...unasserted,
  }
  return {
    ...{ spdxVersion: 'SPDX-2.3', dataLicense: 'CC0-1.0', SPDXID: 'SPDXRef-DOCUMENT' },
    name: `${image}@${version.slice(0, 12)}`,
    documentNamespace: `urn:bootwright:image:${image}:${version}`,
    // SPDX knows whole seconds.
    creationInfo: { created: `${new Date(createdAt).toISOString().slice(0, 19)}Z`, creators: ['Tool: bootwright'] },
    packages: [whole, ...packages],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: imageId },
      ...packages.map(({ SPDXID }) => ({
        ...{ spdxElementId: imageId, relationshipType: 'CONTAINS' as const, relatedSpdxElement: SPDXID },
      })),
    ],
  }
}

function spdxPackage(installed: InstalledPackage, distribution: string | undefined): SpdxPackage {
  const { manager, name, architecture, version } = installed
  // An id has letters, digits, dots and dashes only; several architectures and versions of a package stand beside each other.
  const id = [manager, name, version, architecture].map((part) => part.replace(/[^A-Za-z0-9.]/g, '-')).join('-')
  return {
    ...{ SPDXID: `SPDXRef-${id}`, name, versionInfo: version },
    ...unasserted,
    externalRefs: [
      {
        ...{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl' },
        referenceLocator: packageUrl(installed, distribution),
      },
    ],
  }
}

/** The package-url specification: `pkg:deb/debian/libc6@2.36-9?arch=amd64`; rpm's epoch is a qualifier. */
function packageUrl({ manager, name, architecture, version }: InstalledPackage, distribution?: string): string {
  const type = manager === 'dpkg' ? 'deb' : 'rpm'
  const [, epoch, rest = version] = manager === 'rpm' ? (/^(\d+):(.*)$/.exec(version) ?? []) : []
  const qualifiers = [
    ...(architecture === '' ? [] : [`arch=${encodeURIComponent(architecture)}`]),
    ...(epoch === undefined ? [] : [`epoch=${epoch}`]),
  ]
  const vendor = distribution === undefined ? '' : `${encodeURIComponent(distribution)}/`
  const query = qualifiers.length === 0 ? '' : `?${qualifiers.join('&')}`
  return `pkg:${type}/${vendor}${encodeURIComponent(name)}@${encodeURIComponent(rest)}${query}`
}

/** The ID of an os-release file, os-release(5); undefined where it has none that could stand in a name. */
export function distributionOf(osRelease: string): string | undefined {
  return /^ID=["']?([a-z0-9._-]+)["']?\s*$/m.exec(osRelease)?.[1]
}
