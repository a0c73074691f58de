import type { FastifyRequest } from 'fastify'
import type { Session } from '../store/session-rows.ts'
import type { BootPlane } from './boot-plane.ts'
import { NotAuthenticated } from './problem.ts'

export function bearerOf(request: FastifyRequest): string {
  const match = /^Bearer ([\w.-]{16,256})$/.exec(request.headers.authorization ?? '')
  if (!match) throw new NotAuthenticated('This route needs an "Authorization: Bearer" header')
  return match[1]!
}

export function authenticate(plane: BootPlane, request: FastifyRequest): Promise<Session> {
  return plane.sessions.authenticate(bearerOf(request))
}
