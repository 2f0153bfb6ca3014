const roleAssignment = [
  'scope',
  'name',
  'properties.principalId',
  'properties.principalType',
  'properties.roleDefinitionId',
]
const tracked = ['name', 'location', 'tags']

/**
 * Resource types by the stable versions that the templates may use, with the properties of each, as the type
 * definitions of Bicep (github.com/Azure/bicep-types-az, `generated/`) spell them.
 */
export const knownTypes: Readonly<Record<string, readonly string[]>> = {
  'Microsoft.Devices/IotHubs@2023-06-30': [
    ...tracked,
    'sku.name',
    'sku.capacity',
    'identity.type',
    'identity.userAssignedIdentities.*',
    'properties.minTlsVersion',
    'properties.disableLocalAuth',
    'properties.disableDeviceSAS',
    'properties.disableModuleSAS',
    'properties.authorizationPolicies',
    'properties.eventHubEndpoints.events.partitionCount',
    'properties.eventHubEndpoints.events.retentionTimeInDays',
    'properties.routing.endpoints.storageContainers',
    'properties.routing.routes',
    'properties.routing.fallbackRoute.name',
    'properties.routing.fallbackRoute.source',
    'properties.routing.fallbackRoute.condition',
    'properties.routing.fallbackRoute.endpointNames',
    'properties.routing.fallbackRoute.isEnabled',
  ],
  'Microsoft.Devices/IotHubs/eventHubEndpoints/ConsumerGroups@2023-06-30': ['name', 'properties.name'],
  'Microsoft.Devices/provisioningServices@2022-12-12': [
    ...tracked,
    'sku.name',
    'sku.capacity',
    'properties.allocationPolicy',
    'properties.iotHubs[].location',
    'properties.iotHubs[].connectionString',
  ],
  'Microsoft.Storage/storageAccounts@2023-05-01': [
    ...tracked,
    'kind',
    'sku.name',
    'properties.accessTier',
    'properties.minimumTlsVersion',
    'properties.supportsHttpsTrafficOnly',
    'properties.allowBlobPublicAccess',
    'properties.allowCrossTenantReplication',
    'properties.allowSharedKeyAccess',
    'properties.defaultToOAuthAuthentication',
  ],
  'Microsoft.Storage/storageAccounts/blobServices@2023-05-01': ['parent', 'name'],
  'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01': ['parent', 'name', 'properties.publicAccess'],
  'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31': tracked,
  'Microsoft.Authorization/roleAssignments@2022-04-01': roleAssignment,
  // Diagnostic settings have had no version that is not a preview since 2016.
  'Microsoft.Insights/diagnosticSettings@2021-05-01-preview': [
    'scope',
    'name',
    'properties.workspaceId',
    'properties.logs[].category',
    'properties.logs[].enabled',
    'properties.metrics[].category',
    'properties.metrics[].enabled',
  ],
}

/** Of one element of a list that a variable holds. */
export const knownElements: Readonly<Record<string, readonly string[]>> = {
  policy: ['keyName', 'rights'],
  route: ['name', 'source', 'condition', 'endpointNames', 'isEnabled'],
}

/** Functions of Bicep that the templates call. */
export const functions: ReadonlySet<string> = new Set([
  'concat',
  'empty',
  'guid',
  'listKeys',
  'replace',
  'resourceGroup',
  'resourceId',
  'subscriptionResourceId',
  'take',
  'uniqueString',
])
