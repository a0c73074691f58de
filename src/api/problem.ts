import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** RFC 9457. */
export type Problem = { type: 'about:blank'; title: string; status: number; detail: string }

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  413: 'Too large',
  500: 'Our fault',
  503: 'Not ready',
  507: 'The disk is full',
}

/** Which fault is whose: classes by name, so that a fault that stands in no row is ours (500), never a 404. */
const statusOfError: Record<string, number> = {
  DecodeError: 400,
  LayoutInvalid: 400,
  SetupInvalid: 400,
  SetupRefused: 409,
  NotFound: 404,
  Conflict: 409,
  Forbidden: 403,
  NotAuthenticated: 401,
  NotReady: 503,
  ImageNotFound: 404,
  ReferenceUnknown: 404,
  SourceRefused: 400,
  ImageSourceInvalid: 400,
  SignatureRefused: 400,
  KeyUnusable: 400,
  TagRefused: 409,
  VersionInUse: 409,
  StoreUnreachable: 400,
  RenditionImpossible: 409,
  DeltaImpossible: 409,
  RepositoryBusy: 503,
  StorageFull: 507,
}

export class NotAuthenticated extends Error {
  override readonly name = 'NotAuthenticated'
}

/** Something this answer needs is still being made; asking again later helps. */
export class NotReady extends Error {
  override readonly name = 'NotReady'
}

/** An error may carry the problem that it was elsewhere (a job's thread). */
export function problemOf(error: Error & { problem?: Problem }): Problem {
  if (error.problem) return error.problem
  const status = statusOfError[error.name] ?? (error as FastifyError).statusCode ?? 500
  const detail = status === 500 ? 'The server failed at this; its log says more' : error.message
  return { type: 'about:blank', title: titles[status] ?? 'Refused', status, detail }
}

/** Every error of the application becomes a problem; what is our fault is logged with its stack. */
export function answerWithProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: Error, request, reply) => {
    const problem = problemOf(error)
    if (problem.status >= 500) request.log.error({ err: error, url: request.routeOptions.url }, 'request failed')
    return sendProblem(reply, problem)
  })
  app.setNotFoundHandler((request: FastifyRequest, reply) =>
    sendProblem(reply, {
      type: 'about:blank',
      title: titles[404]!,
      status: 404,
      detail: `There is nothing at ${request.method} ${request.url.split('?')[0]}`,
    }),
  )
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type('application/problem+json').send(problem)
}
