import type { Command } from 'commander'
import type { SpdxDocument } from '../image/sbom/spdx.ts'
import { followJob } from './follow-job.ts'
import { type Shared, serviceOf, sharedCommand } from './image-service.ts'
import { printJson } from './output.ts'

export function sbomCommand(): Command {
  return sharedCommand('sbom <version>')
    .description('the packages of a version (NAME, NAME:TAG or NAME@VERSION) as an SPDX document')
    .action(showSbom)
}

async function showSbom(reference: string, options: Shared): Promise<void> {
  const path = `/api/v1/image-sbom?${new URLSearchParams({ reference })}`
  printJson(await followJob<SpdxDocument>(serviceOf(options), { method: 'GET', path }))
}
