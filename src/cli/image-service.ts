import { Command } from 'commander'
import type { ImageDetails } from '../api/image-schemas.ts'
import { type Client, openClient, ServiceError } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'

/** What every command about images takes. */
export type Shared = { data: string; json?: boolean }

/** `usage` as commander has it: `show <image>`. */
export function sharedCommand(usage: string): Command {
  const [name, ...parameters] = usage.split(' ')
  const command = new Command(name).addOption(dataOption()).addOption(jsonOption())
  return parameters.length > 0 ? command.arguments(parameters.join(' ')) : command
}

export function serviceOf(options: Shared): Client {
  return openClient({ socketPath: socketPathOf(options.data) })
}

export function imagePath(image: string): string {
  return `/api/v1/images/${encodeURIComponent(image)}`
}

/** The version that `NAME`, `NAME:TAG` or `NAME@VERSION` names, and its path. Throws ServiceError. */
export async function findVersion(
  client: Client,
  reference: string,
): Promise<{ image: string; id: string; path: string }> {
  const [, image = '', sign = ':', wanted = 'current'] = /^([^:@]*)(?:([:@])(.*))?$/.exec(reference) ?? []
  const at = (id: string) => `${imagePath(image)}/versions/${encodeURIComponent(id)}`
  if (sign === '@') {
    const { id } = await client.request<{ id: string }>('GET', at(wanted))
    return { image, id, path: at(id) }
  }
  const { tags } = await client.request<ImageDetails>('GET', imagePath(image))
  const id = tags[wanted]
  if (id === undefined)
    throw new ServiceError(`${image} has no tag ${wanted}; its tags are ${Object.keys(tags).join(', ')}`)
  return { image, id, path: at(id) }
}
