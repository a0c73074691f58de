import { Command } from 'commander'
import type { Publication } from '../butterknife/publications.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { printJson, printTable } from './output.ts'

type Shared = { data: string; json?: boolean }

/** Below `image`: what the Butterknife API shows, and to whom. */
export function publishCommands(): Command[] {
  return [
    new Command('publish')
      .description('shows an image to clients of the Butterknife API')
      .argument('<image>')
      .requiredOption('--network <network...>', 'whose clients may read it, such as 10.0.0.0/24; repeat for more')
      .option('--description <text>', 'shown beside its name in menus', '')
      .addOption(dataOption())
      .addOption(jsonOption())
      .action(publish),
    new Command('unpublish')
      .description('takes an image back from the Butterknife API')
      .argument('<image>')
      .addOption(dataOption())
      .action(async (image: string, options: Shared) => {
        await clientOf(options).request('DELETE', pathOf(image))
      }),
    new Command('publications')
      .description('images that the Butterknife API shows, and to whom')
      .addOption(dataOption())
      .addOption(jsonOption())
      .action(listPublications),
  ]
}

async function publish(image: string, options: Shared & { network: string[]; description: string }): Promise<void> {
  const settings = { networks: options.network, description: options.description }
  const { publication } = await clientOf(options).request<{ publication: Publication }>('PUT', pathOf(image), settings)
  if (options.json) return printJson(publication)
  process.stdout.write(`${image}: published to ${publication.networks.join(' ')}\n`)
}

async function listPublications(options: Shared): Promise<void> {
  const { publications } = await clientOf(options).request<{ publications: Publication[] }>(
    'GET',
    '/api/v1/publications/',
  )
  if (options.json) return printJson(publications)
  if (publications.length === 0) return void process.stdout.write('no image is published\n')
  printTable(
    ['IMAGE', 'NETWORKS', 'DESCRIPTION'],
    publications.map(({ image, networks, description }) => [image, networks.join(' '), description]),
  )
}

function pathOf(image: string): string {
  return `/api/v1/publications/${encodeURIComponent(image)}`
}

function clientOf(options: Shared) {
  return openClient({ socketPath: socketPathOf(options.data) })
}
