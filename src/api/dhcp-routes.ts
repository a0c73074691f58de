import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { parseHex } from '../bytes/hex.ts'
import type { Management } from './management.ts'

const ExplainBody = Type.Object({
  /** The UDP payload, hexadecimal. */
  packet: Type.String({ pattern: '^([0-9a-f]{2}){1,1500}$' }),
  interface: Type.Optional(Type.String()),
  address: Type.Optional(Type.String({ pattern: '^\\d{1,3}(\\.\\d{1,3}){3}$' })),
  isUnicast: Type.Optional(Type.Boolean()),
  localPort: Type.Optional(Type.Union([Type.Literal(67), Type.Literal(4011)])),
})

/** Why DHCP answers as it does. */
export function dhcpRoutes({ explain }: Pick<Management, 'explain'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    const summary = 'What would be answered to a DHCP packet, and why; nothing is sent'
    app.post('/explain', { schema: { summary, body: ExplainBody } }, async ({ body }) => {
      const { packet, interface: name, address = '0.0.0.0', isUnicast = false, localPort = 67 } = body
      return explain({
        ...{ packet: parseHex(packet), address, isUnicast, localPort },
        ...(name !== undefined && { interface: name }),
      })
    })
  }
}
