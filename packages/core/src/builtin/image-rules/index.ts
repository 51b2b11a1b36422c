import type { ImageRule } from '../../manifests/image-rules.ts'
import { clusterRules } from './cluster.ts'
import { databaseRules } from './databases.ts'
import { deliveryRules } from './delivery.ts'
import { learningRules } from './learning.ts'
import { messagingRules } from './messaging.ts'
import { networkRules } from './network.ts'
import { observabilityRules } from './observability.ts'
import { policyRules } from './policy.ts'
import { storageRules } from './storage.ts'

/**
 * Rules for the operators that people use most, from the definitions of their resources. Fields that keys alone tell (`image`,
 * `…Image`, `image: {repository, tag}`) stand here where they may hold a short name.
 */
export const operatorRules: readonly ImageRule[] = [
  ...clusterRules,
  ...databaseRules,
  ...deliveryRules,
  ...learningRules,
  ...messagingRules,
  ...networkRules,
  ...observabilityRules,
  ...policyRules,
  ...storageRules,
]
