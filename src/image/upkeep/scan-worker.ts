import { packFile, packIndexFile } from '../repository-layout.ts'
import type { ContentName } from '../store/content-name.ts'
import { answerJobs } from '../worker-jobs.ts'
import { type ContentScan, scanContent } from './scan-content.ts'
import { type PackScan, scanPack } from './scan-pack.ts'
import { type RamRootName, type RamRootScan, scanRamRoot } from './scan-ram-root.ts'

export type ScanJob =
  | { kind: 'pack'; directory: string; packId: string }
  | { kind: 'content'; directory: string; content: ContentName; publicKeyPem?: string | undefined }
  | { kind: 'ram-root'; directory: string; name: RamRootName }
export type ScanReply =
  | { kind: 'pack'; scan: PackScan }
  | { kind: 'content'; scan: ContentScan }
  | { kind: 'ram-root'; scan: RamRootScan }

answerJobs<ScanJob, ScanReply>((job) => {
  const { directory } = job
  if (job.kind === 'content') {
    return { reply: { kind: 'content', scan: scanContent(directory, job.content, job.publicKeyPem) } }
  }
  if (job.kind === 'ram-root') return { reply: { kind: 'ram-root', scan: scanRamRoot(directory, job.name) } }
  const scan = scanPack(job.packId, packFile(directory, job.packId), packIndexFile(directory, job.packId))
  return { reply: { kind: 'pack', scan } }
})
