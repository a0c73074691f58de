import { timingSafeEqual } from 'node:crypto'
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, fastify, LogController } from 'fastify'
import type { Publications } from '../butterknife/publications.ts'
import type { ExplainRequest, Explanation } from '../core/explanation.ts'
import type { Departures } from '../deploy/departures.ts'
import type { Deployments } from '../deploy/deployments.ts'
import type { Errands } from '../deploy/errands.ts'
import type { Machines } from '../deploy/machines.ts'
import type { Ramroots } from '../deploy/ramroots.ts'
import type { StateChanges } from '../deploy/state-changes.ts'
import type { Updates } from '../deploy/updates.ts'
import type { Webhooks } from '../timeline/webhooks.ts'
import { approvalRoutes, groupRoutes } from './approval-routes.ts'
import { deploymentRoutes } from './deployment-routes.ts'
import { dhcpRoutes } from './dhcp-routes.ts'
import { errandRoutes } from './errand-routes.ts'
import { eventRoutes } from './event-routes.ts'
import { fileRoutes } from './file-routes.ts'
import { handOverRoutes } from './hand-over-routes.ts'
import { hookRoutes } from './hook-routes.ts'
import { imageJobRoutes } from './image-job-routes.ts'
import { imageRoutes } from './image-routes.ts'
import type { ImageShelf } from './image-shelf.ts'
import { layoutRoutes } from './layout-routes.ts'
import { livePageRoute } from './live-page-route.ts'
import { machineRoutes } from './machine-routes.ts'
import { orderRoutes } from './order-routes.ts'
import { answerWithProblems, NotAuthenticated } from './problem.ts'
import { publicationRoutes } from './publication-routes.ts'
import { rebuildRoutes } from './rebuild-routes.ts'
import type { Rebuilds } from './rebuilds.ts'
import { updateRoutes } from './update-routes.ts'
import { variableRoutes } from './variable-routes.ts'
import { webhookRoutes } from './webhook-routes.ts'

/** What the management routes work with. */
export type Management = {
  state: StateChanges
  machines: Machines
  deployments: Deployments
  errands: Errands
  ramroots: Ramroots
  updates: Updates
  images: ImageShelf
  rebuilds: Rebuilds
  publications: Publications
  token: string
  /** Who may log in to every machine that is rescued: lines of an authorized_keys file. */
  rescueKeys: readonly string[]
  /** Whether the boot plane has a file of that path for machines. */
  isServed: (path: string) => Promise<boolean>
  departures: Departures
  webhooks: Webhooks
  /** What the packet servers would do with a packet. */
  explain: (request: ExplainRequest) => Promise<Explanation>
  /** Facts for `bootwright status`. */
  status: () => Record<string, unknown> | Promise<Record<string, unknown>>
}

const openApi: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: 'Bootwright management API',
    description: 'Errors are problem details (RFC 9457). Long work answers with lines of JSON (NDJSON).',
    version: '1',
  },
  components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  security: [{ token: [] }],
}

/**
 * Everything that is not the boot plane. Requests over the unix socket are trusted by its file permissions; all others
 * carry the management token.
 */
export function managementApp(management: Management, logger: FastifyBaseLogger): FastifyInstance {
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
  })
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  // The schemas describe the answers; what they do not name is still sent.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  answerWithProblems(app)
  app.register(swagger, { openapi: openApi })
  app.register(livePageRoute)
  app.register(
    async (api) => {
      api.addHook('onRequest', async (request) => requireToken(request, management.token))
      api.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
      api.get('/status', async () => management.status())
      api.register(dhcpRoutes(management), { prefix: '/dhcp' })
      api.register(machineRoutes(management), { prefix: '/machines' })
      api.register(approvalRoutes(management))
      api.register(groupRoutes(management), { prefix: '/groups' })
      api.register(deploymentRoutes(management), { prefix: '/deployments' })
      api.register(errandRoutes(management), { prefix: '/errands' })
      api.register(orderRoutes(management), { prefix: '/orders' })
      api.register(updateRoutes(management), { prefix: '/updates' })
      api.register(handOverRoutes(management), { prefix: '/hand-over' })
      api.register(hookRoutes(management), { prefix: '/hooks' })
      api.register(variableRoutes(management), { prefix: '/variables' })
      api.register(fileRoutes(management), { prefix: '/files' })
      api.register(layoutRoutes(management), { prefix: '/layouts' })
      api.register(imageRoutes(management.images), { prefix: '/images' })
      api.register(imageJobRoutes(management.images))
      api.register(rebuildRoutes(management), { prefix: '/rebuilds' })
      api.register(publicationRoutes(management), { prefix: '/publications' })
      api.register(eventRoutes(management), { prefix: '/events' })
      api.register(webhookRoutes(management), { prefix: '/webhooks' })
    },
    { prefix: '/api/v1' },
  )
  return app
}

function requireToken(request: FastifyRequest, token: string): void {
  if (cameByUnixSocket(request)) return
  const given = Buffer.from(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '')
  const expected = Buffer.from(token)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new NotAuthenticated(
      'The management API needs "Authorization: Bearer TOKEN"; the token is in the key directory, management.token',
    )
  }
}

/** A unix socket's connection has no address at all. */
function cameByUnixSocket(request: FastifyRequest): boolean {
  return request.raw.socket.remoteAddress === undefined && request.raw.socket.localAddress === undefined
}
