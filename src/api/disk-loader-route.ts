import { readFile } from 'node:fs/promises'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { fitDiskLoader } from '../content/fit-disk-loader.ts'
import { NotFound } from '../deploy/refusals.ts'

const EspParams = Type.Object({ esp: Type.String({ pattern: '^[0-9A-F]{4}-[0-9A-F]{4}$' }) })

/** `GET /disk-loader/1A2B-3C4D.efi`: the disk loader that starts the ESP with this volume id (content/fit-disk-loader.ts). */
export function diskLoaderRoute(diskLoaderFile: string | undefined): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/disk-loader/:esp.efi', { schema: { params: EspParams } }, async (request, reply) => {
      if (diskLoaderFile === undefined) throw new NotFound('This server has no disk loader')
      const fitted = fitDiskLoader(await readFile(diskLoaderFile), request.params.esp)
      return reply.type('application/efi').send(fitted)
    })
  }
}
