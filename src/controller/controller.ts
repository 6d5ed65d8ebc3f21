/**
 * `podway/controller`: what Podway's own controllers are made of, for operators of anybody. Everything that is exported here is
 * kept from release to release; everything else of the package is its own matter.
 */
export {
  type ApplyOptions,
  type Client,
  createClient,
  type DeleteOptions,
  type Draft,
  type ListOptions,
} from '../api/client.ts'
export { aborted, type Clock, createFakeClock, type FakeClock, sleep, systemClock } from '../api/clock.ts'
export { deepEqual } from '../api/deep-equal.ts'
export { ApiError, errorText, isAlreadyExists, isConflict, isForbidden, isNotFound } from '../api/errors.ts'
export { createEventRecorder, type EventRecorder, type EventType, referenceTo } from '../api/event-recorder.ts'
export { createInformer, type FollowOptions, type Informer, type InformerOptions } from '../api/informer.ts'
export type { ChangeHandler, CopyReader, Indexes } from '../api/local-copy.ts'
export * from '../api/resources.ts'
export { type LabelMatcher, matchLabelSelector, matchMap } from '../api/selectors.ts'
export type { ApiRequest, ApiTransport } from '../api/transport.ts'
export type * from '../api/types/index.ts'
export type { Condition } from '../api/types/kubernetes/meta-v1.ts'
export { createWorkQueue, type Outcome, type WorkQueue } from '../api/work-queue.ts'
export { createLogger, type Logger, silentLogger } from '../host/log.ts'
export { commonIndexes } from './common-indexes.ts'
export { createExpectations, type Expectations } from './expectations.ts'
export { type Followed, followDependents } from './follow-dependents.ts'
export { type LeaderElectionOptions, type LeaderElectionTimes, runWithLeaderElection } from './leader-election.ts'
export { type OpenedClient, openClient } from './open-client.ts'
export { type CountedStatus, createCountedStatus, createOwnWrites, type OwnWrites } from './own-writes.ts'
export {
  type Claims,
  claim,
  claimable,
  controllerOf,
  controllerReference,
  isControlledBy,
  sortClaims,
} from './ownership.ts'
export { createQueue, runQueue } from './queue.ts'
