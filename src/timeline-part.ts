import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import type { CheckedFile } from './core/yaml-file.ts'
import type { StateChanges } from './deploy/state-changes.ts'
import type { SiteFile } from './dhcp/site-file.ts'
import { type Component, pause } from './supervise.ts'
import { removeOldEvents, usualRetention } from './timeline/retention.ts'
import { secretIn, type Webhook } from './timeline/webhook.ts'
import { Webhooks } from './timeline/webhooks.ts'

const firstSweepMs = 60_000
const sweepMs = 60 * 60_000
const faultPauseMs = 10_000

export type TimelinePart = {
  components: Component[]
  webhooks: Webhooks
  /** For `bootwright status`. */
  status(): Promise<Record<string, unknown>>
}

/** What is done with the timeline beside keeping it: others are told of it, and what is old is removed. */
export function timelinePart(siteFile: CheckedFile<SiteFile>, state: StateChanges, log: Logger): TimelinePart {
  const webhooks = new Webhooks(webhooksOf(siteFile), state)
  const policy = { ...usualRetention, ...siteFile.content.events }
  const components: Component[] = [
    {
      name: 'webhooks',
      async run(signal) {
        while (!signal.aborted) {
          await webhooks.run(signal).catch((error) => log.error({ err: error }, 'webhooks'))
          await pause(faultPauseMs, signal)
        }
      },
    },
    {
      name: 'retention',
      async run(signal) {
        await pause(firstSweepMs, signal)
        while (!signal.aborted) {
          await removeOldEvents(state, policy, signal).catch((error) => log.error({ err: error }, 'retention'))
          await pause(sweepMs, signal)
        }
      },
    },
  ]
  const status = async () => {
    const hooks = await webhooks.list()
    return hooks.length === 0 ? {} : { webhooks: hooks }
  }
  return { components, webhooks, status }
}

/** With their secrets. Throws YamlFileInvalid. */
function webhooksOf(siteFile: CheckedFile<SiteFile>): Webhook[] {
  const entries = siteFile.content.webhooks ?? []
  return entries.map((entry, index) => {
    const path = ['webhooks', String(index)]
    const isTwice = entries.findIndex(({ url }) => url === entry.url) < index
    if (!URL.canParse(entry.url)) siteFile.refuse([{ path: [...path, 'url'], message: 'it is not a URL' }])
    if (isTwice)
      siteFile.refuse([{ path: [...path, 'url'], message: 'it is there already; give one entry more kinds' }])
    const { url, kinds, secretFile } = entry
    const secret = secretFile === undefined ? undefined : secretOf(secretFile, path, siteFile)
    return { url, ...(kinds && { kinds }), ...(secret !== undefined && { secret }) }
  })
}

function secretOf(file: string, path: readonly string[], site: CheckedFile<SiteFile>): string {
  try {
    return secretIn(readFileSync(file, 'utf8'), file)
  } catch (cause) {
    return site.refuse([{ path: [...path, 'secretFile'], message: (cause as Error).message }], cause)
  }
}
