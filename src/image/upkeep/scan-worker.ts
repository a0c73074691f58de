import { packFile, packIndexFile } from '../repository-layout.ts'
import type { ContentName } from '../store/content-name.ts'
import { answerJobs } from '../worker-jobs.ts'
import { type ContentScan, scanContent } from './scan-content.ts'
import { type PackScan, scanPack } from './scan-pack.ts'

export type ScanJob =
  | { kind: 'pack'; directory: string; packId: string }
  | { kind: 'content'; directory: string; content: ContentName; publicKeyPem?: string | undefined }
export type ScanReply = { kind: 'pack'; scan: PackScan } | { kind: 'content'; scan: ContentScan }

answerJobs<ScanJob, ScanReply>((job) => {
  const { directory } = job
  if (job.kind === 'content') {
    return { reply: { kind: 'content', scan: scanContent(directory, job.content, job.publicKeyPem) } }
  }
  const scan = scanPack(job.packId, packFile(directory, job.packId), packIndexFile(directory, job.packId))
  return { reply: { kind: 'pack', scan } }
})
