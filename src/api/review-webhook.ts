/** A server that answers reviews, in the file of a kubeconfig: who is asked for each, and as whom. */
import { type Clock, sleep } from './clock.ts'
import { ApiError } from './errors.ts'
import { createHttpTransport } from './http-transport.ts'
import { type Connection, readKubeconfig } from './kubeconfig.ts'

/** Sends a review, resolves to the answer. */
export type AskReview = (review: object) => Promise<unknown>

const attempts = 5
const firstWaitMs = 500

/** It was understood, and refused: asking again changes nothing. */
const isFinal = (error: unknown): boolean => error instanceof ApiError && error.code < 500 && error.code !== 429

/** The same, asked again a few times while it cannot be reached. */
export const persistent =
  (ask: AskReview, clock: Clock): AskReview =>
  async (review) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask(review)
      } catch (error) {
        if (attempt >= attempts || isFinal(error)) throw error
        await sleep(firstWaitMs * 1.5 ** (attempt - 1), undefined, clock)
      }
    }
  }

/** `https://host/path` → a connection to the host, and the path. */
const splitServer = (connection: Connection) => {
  const url = new URL(connection.server)
  return {
    connection: { ...connection, server: url.origin },
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
  }
}

/** Rejects for a file that cannot be used. */
export const openReviewWebhook = async (configFile: string, clock: Clock): Promise<AskReview> => {
  const { connection, path, query } = splitServer(await readKubeconfig(configFile))
  const transport = createHttpTransport(connection, {
    reread: async () => splitServer(await readKubeconfig(configFile)).connection,
  })
  return persistent((review) => transport.request({ method: 'POST', path, query, body: review }), clock)
}
