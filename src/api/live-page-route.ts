import { readFile } from 'node:fs/promises'
import type { FastifyPluginAsync } from 'fastify'

const page = new URL('./live-page.html', import.meta.url)

/** A page that shows the timeline as it happens; it holds no data itself and asks the API with the token it is given. */
export const livePageRoute: FastifyPluginAsync = async (app) => {
  app.get('/', async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      )
      .send(await readFile(page)),
  )
}
