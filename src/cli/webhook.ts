import { readFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { type TimelineKind, timelineKinds } from '../core/timeline.ts'
import type { PostOutcome } from '../timeline/post-webhook.ts'
import { describeWebhook, secretIn } from '../timeline/webhook.ts'
import type { ShownWebhook } from '../timeline/webhooks.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { printJson } from './output.ts'

type Options = { data: string; json?: boolean }
type AddOptions = Options & { kind?: TimelineKind[]; secretFile?: string }

const path = '/api/v1/webhooks/'

export function webhookCommand(): Command {
  const command = new Command('webhook').description('other programs that are told what happens (docs/events.md)')
  command
    .command('add <url>')
    .description('is told by POST what happens from now on')
    .addOption(new Option('--kind <kind...>', 'only of these kinds').choices([...timelineKinds]))
    .option('--secret-file <file>', 'whose first line is the key of its signatures')
    .addOption(dataOption())
    .action(add)
  command
    .command('list')
    .description('who is told, and how much waits for each')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(list)
  command
    .command('remove <url>')
    .description('is told no more, and forgotten with its place')
    .addOption(dataOption())
    .action(remove)
  command
    .command('test <url>')
    .description('sends it an event that is none; exit 0 when it was taken')
    .addOption(dataOption())
    .action(test)
  return command
}

async function add(url: string, { kind, secretFile, data }: AddOptions): Promise<void> {
  const secret = secretFile === undefined ? undefined : secretIn(await readFile(secretFile, 'utf8'), secretFile)
  const body = { url, ...(kind && { kinds: kind }), ...(secret !== undefined && { secret }) }
  await clientOf(data).request('POST', path, body)
}

async function list({ data, json }: Options): Promise<void> {
  const { webhooks } = await clientOf(data).request<{ webhooks: ShownWebhook[] }>('GET', path)
  if (json) return printJson(webhooks)
  if (webhooks.length === 0) return void process.stdout.write('nobody is told\n')
  for (const webhook of webhooks) process.stdout.write(`${describeWebhook(webhook)}${describeTerms(webhook)}\n`)
}

function describeTerms({ kinds, isSigned, source }: ShownWebhook): string {
  const terms = [kinds?.join(', '), isSigned && 'signed', source === 'site-file' && 'of the site file']
  const words = terms.filter(Boolean).join('; ')
  return words === '' ? '' : ` (${words})`
}

async function remove(url: string, { data }: Options): Promise<void> {
  await clientOf(data).request('DELETE', `${path}?url=${encodeURIComponent(url)}`)
}

async function test(url: string, { data }: Options): Promise<void> {
  const { outcome } = await clientOf(data).request<{ outcome: PostOutcome }>('POST', `${path}test`, { url })
  if (outcome.kind === 'failed') throw new Error(`${url} did not take it: ${outcome.reason}`)
  process.stdout.write(`${url} took it\n`)
}

function clientOf(data: string) {
  return openClient({ socketPath: socketPathOf(data) })
}
